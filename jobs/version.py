"""The version of this code, as delivery records name it."""

# From a zip (--py-files) there is no package metadata, so the number stands here too; a test compares the two.
VERSION = "0.1.0"
