"""The environment of short runs: what takes Java longest in them is to load classes, and to compile thoroughly what runs once."""

import sys
from pathlib import Path

# By default that leaves 48 MB for compiled code, which a process of many tests fills: Java then compiles no more, and fails.
JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"
CLASS_ARCHIVE = Path(sys.prefix, "classes.jsa")
# Java says nothing about an archive that doesn't fit.
_QUIET = "-Xlog:cds=off -Xlog:cds+dynamic=off"


def java_options(class_archive: Path) -> str:
    """The options, with the archive of classes where there is one, see `tests/class_archive.py`."""
    return (
        f'{JAVA_OPTIONS} -XX:SharedArchiveFile="{class_archive}" {_QUIET}'
        if class_archive.is_file()
        else JAVA_OPTIONS
    )


# Of Spark's driver alone; Java says on standard error that it takes the other, which reaches executors too.
SHORT_RUN = {"SPARK_SUBMIT_OPTS": java_options(CLASS_ARCHIVE)}
SHORT_RUN_OF_ALL_JAVA = {"JDK_JAVA_OPTIONS": java_options(CLASS_ARCHIVE)}
