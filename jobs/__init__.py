"""The entry points: what runs on Spark and talks to the outside world."""
