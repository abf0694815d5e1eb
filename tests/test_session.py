"""The Spark session: local in one call, respectful of spark-submit, clear where something is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import java
from jobs.java import COMPILE_ALL
from jobs.session import JarsMissingError, find_jars, settings_of, spark_home, spark_session
from tests.short_run import SHORT_RUN
from transforms.iso8601 import iso_micros

SCRIPT = """
from jobs.session import spark_session
spark = spark_session("from-code")
conf = spark.sparkContext.getConf()
print(conf.get("spark.master"), conf.get("spark.app.name"), spark.conf.get("spark.sql.session.timeZone"))
print(spark.conf.get("spark.sql.warehouse.dir"))
print(spark.conf.get("spark.sql.codegen.hugeMethodLimit"))
"""
WITH_TABLE = f"""{SCRIPT}
spark.sql("CREATE TABLE t USING parquet AS SELECT 1 AS a").collect()
"""


def run(
    command: list[str | Path], cwd: Path, text: str = SCRIPT, **env: str
) -> subprocess.CompletedProcess[str]:
    script = cwd.parent / "script.py"
    script.write_text(text)
    return subprocess.run(
        [*command, script],
        cwd=cwd,
        env={**os.environ, **SHORT_RUN, "PYSPARK_PYTHON": sys.executable, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def cwd(tmp_path: Path) -> Path:
    path = tmp_path / "cwd"
    path.mkdir()
    return path


def test_a_local_session_is_quiet_in_utc_and_leaves_nothing_behind(cwd: Path) -> None:
    # What other shells' variables say about Spark and Python must not matter.
    done = run(
        [sys.executable], cwd, WITH_TABLE, SPARK_HOME="/nowhere", PYSPARK_PYTHON="/nowhere", TZ="Asia/Tokyo"
    )
    assert done.returncode == 0, done.stderr
    settings, warehouse, method_limit = done.stdout.splitlines()
    assert method_limit == "65535"
    assert settings == f"local[{os.cpu_count()}] from-code UTC"
    assert not Path(warehouse.removeprefix("file:")).parent.exists()
    assert list(cwd.iterdir()) == []
    # The JVM itself says this at every start of Spark 4.1, before any setting is read.
    assert done.stderr.splitlines() == ["WARNING: Using incubator modules: jdk.incubator.vector"]


def spark_submit(*options: str) -> list[str | Path]:
    submit = Path(sys.prefix, "bin", "spark-submit")
    return [submit, "--master", "local[1]", "--name", "as-submitted", *options]


def submitted(cwd: Path, *options: str) -> list[str]:
    """What the script prints, submitted with these options and all jars."""
    jars = ",".join(map(str, find_jars()))
    warehouse = f"spark.sql.warehouse.dir={cwd.parent / 'warehouse'}"
    submit = spark_submit("--jars", jars, "--conf", warehouse, *options)
    done = run(submit, cwd, JAVA_HOME=str(java.find_java()))
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()


def test_what_spark_submit_says_wins(cwd: Path) -> None:
    # Of executors, which a local run hasn't: it doesn't count.
    printed = submitted(cwd, "--conf", f"spark.executor.extraJavaOptions={COMPILE_ALL}")
    assert printed == ["local[1] as-submitted UTC", f"file:{cwd.parent / 'warehouse'}", "8000"]


def test_spark_fuses_steps_where_the_java_of_the_tasks_compiles_what_that_gives(cwd: Path) -> None:
    assert submitted(cwd, "--driver-java-options", COMPILE_ALL)[-1] == "65535"


def test_spark_submit_without_spark_avro_is_told_what_to_add(cwd: Path) -> None:
    done = run(spark_submit(), cwd, JAVA_HOME=str(java.find_java()))
    assert done.returncode == 1
    # spark-submit sends the standard error of what it runs to its standard output.
    assert "JarsMissingError: spark-avro is not on the class path: add `--packages" in done.stdout


def test_a_process_has_one_session_and_can_change_its_runtime_settings(spark: SparkSession) -> None:
    with settings_of(spark, {"spark.sql.caseSensitive": "false"}):
        again = spark_session("another name", conf={"spark.sql.caseSensitive": "true"})
        assert again is spark
        assert spark.conf.get("spark.sql.caseSensitive") == "true"


def test_a_query_keeps_the_settings_it_was_started_with_and_its_session_does_not(
    spark: SparkSession, tmp_path: Path
) -> None:
    seen = []
    stream = spark.readStream.format("rate").load().writeStream.trigger(once=True)
    query = stream.foreachBatch(
        lambda frame, _: seen.append(frame.sparkSession.conf.get("spark.sql.adaptive.enabled"))
    )
    settings = {"spark.sql.adaptive.enabled": "false", "spark.sql.optimizer.excludedRules": "none"}
    before = {name: spark.conf.get(name, None) for name in settings}
    with settings_of(spark, settings):
        started = query.option("checkpointLocation", str(tmp_path / "checkpoint")).start()
    assert {name: spark.conf.get(name, None) for name in settings} == before
    assert started.awaitTermination(60)
    assert seen == ["false"]


def test_a_cluster_s_setting_that_would_change_what_is_archived_is_overruled(spark: SparkSession) -> None:
    with settings_of(spark, {"spark.sql.legacy.timeParserPolicy": "LEGACY"}):
        spark_session()
        moment = F.lit("1500-03-01 12:34:56.789012").cast("timestamp")
        assert spark.range(1).select(iso_micros(moment)).first() == ("1500-03-01T12:34:56.789012Z",)


def test_python_workers_import_the_pyspark_that_is_installed_not_a_zip_of_it(spark: SparkSession) -> None:
    def file_of_pyspark(_: object) -> str:
        import pyspark

        return pyspark.__file__

    assert spark.sparkContext.parallelize([0], 1).map(file_of_pyspark).collect() == [pyspark.__file__]


def test_links_to_a_spark_that_was_installed_before_are_made_anew(tmp_path: Path) -> None:
    home = spark_home(tmp_path)
    for part, before in (("bin", tmp_path), ("jars", tmp_path / "gone")):
        (home / part).unlink()
        (home / part).symlink_to(before)
    assert {path.name: path.resolve() for path in spark_home(tmp_path).iterdir()} == {
        part: Path(pyspark.__file__).parent.resolve() / part for part in ("bin", "jars")
    }


def test_avro_and_delta_work(spark: SparkSession, tmp_path: Path) -> None:
    from pyspark.sql.avro.functions import to_avro

    rows = spark.range(3).select(to_avro(F.struct("id")).alias("datum"))
    rows.write.format("delta").save(str(tmp_path / "table"))
    read = spark.read.format("delta").load(str(tmp_path / "table")).collect()
    assert sorted(bytes(row["datum"]) for row in read) == [b"\x00", b"\x02", b"\x04"]


def test_missing_jars_name_the_command_that_fetches_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(JarsMissingError, match="run `make setup`"):
        find_jars()


def test_no_room_for_temporary_files_is_told_in_one_line(tmp_path: Path) -> None:
    script = """
import resource, sys
from jobs.session import SessionError, spark_session
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
for directory in (None, sys.argv[1]):
    try:
        spark_session(local_dir=directory)
    except SessionError as error:
        print(error.message)
"""
    told = subprocess.check_output([sys.executable, "-c", script, tmp_path], text=True, timeout=120)
    nowhere, full = told.splitlines()
    assert nowhere.startswith(
        "Spark's temporary files can't be written (No usable temporary directory found in "
    )
    assert full == (
        "Spark's temporary files can't be written (File too large): see to the disk, or set TMPDIR to another, then go on"
    )


def make_java(home: Path, version: str, *, release_file: bool = True) -> Path:
    binary = home / "bin" / "java"
    binary.parent.mkdir(parents=True)
    binary.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    binary.chmod(0o755)
    if release_file:
        (home / "release").write_text(f'IMPLEMENTOR="Somebody"\nJAVA_VERSION="{version}"\n')
    return home


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without Java, whose usual place for it is the directory `jvm`."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(java, "_USUAL_PLACES", (f"{tmp_path}/jvm/*",))
    return tmp_path


def test_java_home_comes_first(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_java(machine / "jvm" / "a", "17.0.1")
    monkeypatch.setenv("JAVA_HOME", str(make_java(machine / "mine", "21.0.2")))
    assert java.find_java() == machine / "mine"


def test_the_java_on_path_is_followed_to_its_home(machine: Path) -> None:
    home = make_java(machine / "elsewhere", "17.0.1")
    (machine / "bin").mkdir()
    (machine / "bin" / "java").symlink_to(home / "bin" / "java")
    assert java.find_java() == home


@pytest.mark.parametrize(("unsupported", "release"), [("1.8.0_402", 8), ("11.0.20", 11), ("25.0.3", 25)])
def test_an_unsupported_java_is_never_taken(
    machine: Path, monkeypatch: pytest.MonkeyPatch, unsupported: str, release: int
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(make_java(machine / "jvm" / "a", unsupported)))
    with pytest.raises(java.JavaMissingError, match=f"{machine}/jvm/a is Java {release}:"):
        java.find_java()
    make_java(machine / "jvm" / "b", "21.0.2")
    assert java.find_java() == machine / "jvm" / "b"


def test_17_is_preferred_among_the_installed_ones(machine: Path) -> None:
    make_java(machine / "jvm" / "a", "21.0.2")
    make_java(machine / "jvm" / "b", "17.0.1")
    assert java.find_java() == machine / "jvm" / "b"


def test_a_java_without_release_file_is_asked(machine: Path) -> None:
    assert java.java_version(make_java(machine / "a", "17.0.1", release_file=False)) == 17


def test_a_directory_without_java_is_no_java(machine: Path) -> None:
    (machine / "jvm" / "openjdk-17").mkdir(parents=True)
    with pytest.raises(
        java.JavaMissingError, match=r"^Spark needs a Java 17 or 21 runtime and none was found: "
    ):
        java.find_java()
