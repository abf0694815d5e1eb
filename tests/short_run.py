"""The environment of short runs: what takes Java longest in them is to load classes, and to compile thoroughly what runs once."""

import hashlib
import sys
from pathlib import Path

from jobs.java import find_java

# By default that leaves 48 MB for compiled code, which a process of many tests fills: Java then compiles no more, and fails.
JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"
_ROOT = Path(__file__).parents[1]
_JARS = ("requirements.lock", "conf/jars/jars.sha256")
# Java says nothing about an archive that doesn't fit.
_QUIET = "-Xlog:cds=off -Xlog:cds+dynamic=off"


def class_archive(java: Path, options: str = JAVA_OPTIONS) -> Path:
    """The archive of classes of that Java with these options: no other, for Java would pass over it in silence."""
    made_of = [
        path.read_bytes() for path in (java / "release", *(_ROOT / name for name in _JARS)) if path.is_file()
    ]
    key = hashlib.sha256(b"\0".join([*made_of, str(java).encode(), options.encode()])).hexdigest()
    return Path(sys.prefix, f"classes-{key[:12]}.jsa")


def java_options(class_archive: Path) -> str:
    """The options, with the archive of classes where there is one, see `tests/class_archive.py`."""
    return (
        f'{JAVA_OPTIONS} -XX:SharedArchiveFile="{class_archive}" {_QUIET}'
        if class_archive.is_file()
        else JAVA_OPTIONS
    )


CLASS_ARCHIVE = class_archive(find_java())
# Of Spark's driver alone; Java says on standard error that it takes the other, which reaches executors too.
SHORT_RUN = {"SPARK_SUBMIT_OPTS": java_options(CLASS_ARCHIVE)}
SHORT_RUN_OF_ALL_JAVA = {"JDK_JAVA_OPTIONS": java_options(CLASS_ARCHIVE)}
