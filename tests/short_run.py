"""The environment of short runs: what takes Java longest in them is to compile thoroughly what runs once."""

SHORT_RUN = {"SPARK_SUBMIT_OPTS": "-XX:TieredStopAtLevel=1"}
