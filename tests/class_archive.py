"""Makes `.venv/classes-*.jsa`: Java's classes as a run of the archive job needs them, so that runs in tests start sooner.

Java maps such an archive into memory in place of loading and verifying some 15,000 classes. `make test` has it made once for
a Java, its options and the jars; without it all goes on, slower.
"""

import contextlib
import io
import os
import tempfile
from pathlib import Path

from tests.short_run import CLASS_ARCHIVE, JAVA_OPTIONS

_SECONDS = 120


def make_class_archive(path: Path) -> None:
    """Run the archive job over a few change events and have Java, as it ends, write down the classes that it loaded."""
    # Imported here, so that `make test` doesn't wait for it where the archive is there.
    from jobs.archive import main
    from jobs.demo.generator import events
    from tests.jobs.conftest import conf
    from tests.jobs.job import toml
    from tests.sources.fake_kinesis import STREAM, FakeKinesis

    fake = FakeKinesis()
    fake.put(fake.add_shard(0), [change.data for change in events(1, 50)])
    unfinished = path.with_suffix(f".{os.getpid()}")
    with tempfile.TemporaryDirectory() as directory, fake.serving() as kinesis:
        file = Path(directory, "archive.toml")
        file.write_text(toml(conf(Path(directory), STREAM)))
        os.environ.update(kinesis.environment)
        os.environ["SPARK_SUBMIT_OPTS"] = (
            f"{JAVA_OPTIONS} -XX:ArchiveClassesAtExit={unfinished} -Xlog:cds=off"
        )
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            code = main(["--conf", str(file), "--until-caught-up"])
        if code:
            raise SystemExit(f"{said.getvalue()}The run that was to show which classes it needs has failed.")
        _end_java()
    unfinished.replace(path)
    for other in {*path.parent.glob("classes*.jsa")} - {path}:
        other.unlink()


def _end_java() -> None:
    """Java goes on until its standard input is closed, and only then writes the archive."""
    from pyspark import SparkContext

    SparkContext.getOrCreate().stop()
    java = SparkContext._gateway.proc  # type: ignore[union-attr]
    java.stdin.close()
    try:
        java.wait(_SECONDS)
    finally:
        java.kill()


if __name__ == "__main__":
    if not CLASS_ARCHIVE.is_file():
        make_class_archive(CLASS_ARCHIVE)
