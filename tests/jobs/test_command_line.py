"""What people get wrong, each told in one line on standard error (a line a problem for the conf), with its exit code."""

import re
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from jobs.demo.emulator import Emulator
from jobs.demo.publish import create_stream
from tests.jobs.job import Finished, Job
from tests.jobs.ledger import Producer

FAILED, USAGE = 1, 2
# As if no Java were in the places where it usually is.
_NO_JAVA = "import sys; from jobs import archive, java; java._USUAL_PLACES = (); sys.exit(archive.main())"


@dataclass(frozen=True)
class Mistake:
    """A run that can't work: the job, more arguments, more environment, without Java or not."""

    job: Job
    arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    without_java: bool = False

    def run(self) -> Finished:
        """Make it."""
        program = ["-c", _NO_JAVA] if self.without_java else ["-m", "jobs.archive"]
        conf = str(self.job.conf_file())
        command = [sys.executable, *program, "--conf", conf, "--until-caught-up", *self.arguments]
        with self.job.process(command, dict(self.environment)) as running:
            return running.end()

    def foretold(self) -> Finished:
        """What the doctor says of it."""
        conf = str(self.job.conf_file())
        command = [sys.executable, "-m", "jobs.doctor", "--conf", conf, *self.arguments]
        with self.job.process(command, dict(self.environment)) as running:
            return running.end()


@dataclass(frozen=True)
class Told:
    """What each mistake led to, and what the doctor said of those that it can see."""

    finished: dict[str, Finished]
    foretold: dict[str, Finished]


@pytest.fixture(scope="module")
def told_of(
    aws: Emulator, job: Callable[..., Job], producer: Callable[[int], Producer], bucket: Callable[[], str]
) -> Told:
    """Every mistake of this page, made: some at a time, for most of it is waiting for imports."""
    stream, gone, existing = producer(1).stream, producer(1).stream, bucket()
    used, recreated, damaged = (without_java(job(name)) for name in (stream, gone, stream))
    before = {"no Java": used.run(), "the stream that is re-created": recreated.run()}
    damaged.run()
    marks = damaged.job.directory / "checkpoint" / "commits"
    marks.mkdir()
    (marks / "0").write_bytes(b"")
    aws.client("kinesis").delete_stream(StreamName=gone)
    time.sleep(1.1)
    create_stream(aws, gone, 1)
    nothing = {name: value for name, value in aws.environment().items() if "ACCESS_KEY" not in name}
    unreachable = (("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),)
    in_a_file = job(stream)
    (in_a_file.directory / "archive").write_text("")
    broken = job(stream)
    (broken.directory / "broken.toml").write_text("[source\n")
    mistakes = {
        "several problems of the conf": Mistake(
            job(stream, strem="x", max_records_per_batch=0),
            ("--set", "catalog.enabled=true", "--set", "archive"),
        ),
        "conf that isn't TOML": Mistake(broken, ("--conf", str(broken.directory / "broken.toml"))),
        "missing conf file": Mistake(job(stream), ("--conf", "missing.toml")),
        "missing stream": Mistake(job("no-such-stream")),
        "missing bucket": Mistake(job(stream, uri="s3://no-such-bucket/p")),
        "no credentials for S3": Mistake(job(stream, nothing, uri=f"s3://{existing}/p")),
        "no credentials for Kinesis": Mistake(job(stream, nothing)),
        "archive inside a file": Mistake(in_a_file),
        "checkpoint of another stream": Mistake(used.job, ("--set", f"source.stream={gone}")),
        "checkpoint of another archive": Mistake(used.job, ("--set", f"archive.uri=s3://{existing}/p")),
        "re-created stream": Mistake(recreated.job),
        "nobody at the endpoint": Mistake(job(stream), environment=unreachable),
        "until caught up by the connector": Mistake(job(stream, format="aws-kinesis")),
        "start in the future": Mistake(job(stream, start="2999-01-01")),
        "mark of a batch that was cut": damaged,
    }
    with ThreadPoolExecutor(3) as pool:
        finished = dict(zip(mistakes, pool.map(Mistake.run, mistakes.values()), strict=True))
        seen = [name for name, run in finished.items() if run.code == FAILED]
        said = pool.map(Mistake.foretold, (mistakes[name] for name in seen))
        return Told(before | finished, dict(zip(seen, said, strict=True)))


@pytest.fixture(scope="module")
def finished(told_of: Told) -> dict[str, Finished]:
    return told_of.finished


def without_java(job: Job) -> Mistake:
    return Mistake(job, environment=(("JAVA_HOME", "/nowhere"), ("PATH", "/nowhere")), without_java=True)


@pytest.mark.parametrize(
    ("mistake", "code", "told"),
    [
        ("missing conf file", USAGE, r"missing.toml: can't be read: No such file or directory"),
        ("conf that isn't TOML", USAGE, r".*/broken.toml: not TOML: .*line 1.*"),
        (
            "until caught up by the connector",
            USAGE,
            r"--until-caught-up needs source.format kinesis: .*",
        ),
        ("no Java", FAILED, r"archive: Spark needs a Java 17 or 21 runtime and none was found: .*install.*"),
        ("missing stream", FAILED, r"archive: .*no-such-stream.*source\.stream.*"),
        ("start in the future", FAILED, r"archive: source.start 2999-01-01 lies in the future: give .*"),
        (
            "missing bucket",
            FAILED,
            r"archive: bucket no-such-bucket doesn't exist: create it, or correct archive.uri or archive.checkpoint",
        ),
        ("no credentials for S3", FAILED, r"archive: .*credentials.*"),
        ("no credentials for Kinesis", FAILED, r"archive: .*credentials.*"),
        (
            "archive inside a file",
            FAILED,
            r"archive: .*/archive/ can't be there: a part of its path is a file; correct archive.uri or archive.checkpoint",
        ),
        (
            "checkpoint of another stream",
            FAILED,
            r"archive: The checkpoint belongs to stream arn:.*, not to arn:.*",
        ),
        (
            "checkpoint of another archive",
            FAILED,
            r"archive: archive.checkpoint file:.* belongs to the archive file:.*, not to s3://.*",
        ),
        ("re-created stream", FAILED, r"archive: Stream .* was created at .*, but the checkpoint .*"),
        ("nobody at the endpoint", FAILED, r"archive: Kinesis doesn't answer about stream .*"),
        (
            "mark of a batch that was cut",
            FAILED,
            r"archive: commits/0 in the checkpoint file:.* isn't what Spark keeps there: delete it.*",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line(
    finished: dict[str, Finished], mistake: str, code: int, told: str
) -> None:
    run = finished[mistake]
    assert run.code == code, run.err
    (line,) = run.complaints
    assert re.fullmatch(told, line), line


def test_the_doctor_sees_what_the_job_will_end_of_in_the_same_words(told_of: Told) -> None:
    assert len(told_of.foretold) == 11
    for mistake, said in told_of.foretold.items():
        (line,) = told_of.finished[mistake].complaints
        assert (said.code, said.complaints) == (FAILED, []), mistake
        assert "Next start: fails\n  " in said.out, mistake
        if mistake != "checkpoint of another archive":
            assert f"\n  {line.removeprefix('archive: ')}\n" in said.out, mistake


def test_all_problems_of_the_conf_are_told_at_once(finished: dict[str, Finished]) -> None:
    run = finished["several problems of the conf"]
    assert run.code == USAGE
    assert [line.split(": ", 1)[-1] for line in run.complaints] == [
        "write it as section.key=value",
        "source.max_records_per_batch: Input should be greater than 0",
        "source.strem: there is no such key",
        "catalog.database: is needed where catalog.enabled is true",
    ]


def test_a_mistake_leaves_standard_output_to_the_log(finished: dict[str, Finished]) -> None:
    for run in finished.values():
        assert {line["level"] for line in run.lines} <= {"info", "warning"}
        assert run.batches == []
