"""The environment of short runs: what takes Java longest in them is to compile thoroughly what runs once."""

# By default that leaves 48 MB for compiled code, which a process of many tests fills: Java then compiles no more, and fails.
SHORT_RUN = {"SPARK_SUBMIT_OPTS": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"}
