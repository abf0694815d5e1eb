"""What a rehearsal does: deploy, submit, publish, redeploy, stop, audit, look."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from emr.rehearse.cloud import STAND_INS, Cloud
from emr.rehearse.worker import Workers
from emr.settings import EmrSettings
from emr.stack import bucket_and_prefix
from emr.template import template
from jobs.demo.archive_copy import download, partitions, read_archive
from jobs.demo.generator import Change, events
from jobs.demo.publish import publish
from jobs.demo.summary import Run, problem
from jobs.errors import PipelineError
from jobs.settings import Settings

_SECONDS = 300.0
_SEED = 1


class RehearsalError(PipelineError):
    """The rehearsal broke; the message says where."""


@dataclass(frozen=True)
class Rehearsal:
    """The emulated AWS, the workers that run what is submitted to it, and whose conf is rehearsed."""

    cloud: Cloud
    workers: Workers
    output: Path
    env: str
    settings: Settings
    emr: EmrSettings

    def play(self, count: int) -> None:
        """Play the whole deployment with so many change events. Raises RehearsalError."""
        release = self._deploy()
        changes = list(events(_SEED, count))
        if self.emr.parameters.get("Mode", "stream") == "stream":
            self._stream(changes, release)
        else:
            self._publish(changes)
            self._submit("archive", "--wait", "--release", release)
        for job in ("latest", "verify"):
            self._submit(job, "--wait", "--release", release)
        self._look(changes)

    def _deploy(self) -> str:
        """Make the stack and upload the release; returns the release's name."""
        outputs = json.loads(self._command("emr.deploy", "--env", self.env))
        kinds = Counter(one["Type"] for one in template()["Resources"].values())
        left_out = {kind: kinds[kind] for kind in STAND_INS if kinds[kind]}
        print(f"    release {outputs['release']}; {kinds.total() - sum(left_out.values())} resources made")
        print(
            "    only stand-ins of: " + ", ".join(f"{kind} ({number})" for kind, number in left_out.items())
        )
        return str(outputs["release"])

    def _stream(self, changes: Sequence[Change], release: str) -> None:
        """Start the stream, refuse a second one, replace it in the middle, stop it."""
        half, of = len(changes) // 2, ("--release", release)
        self._submit("archive", "--wait", *of)
        self._submit("archive", *of, refused="the archive runs already")
        self._publish(changes[:half])
        self._await("everything so far is archived", lambda: self._archived() == half)
        self._submit("archive", "--redeploy", "--wait", *of)
        self._publish(changes[half:])
        self._await("everything is archived", lambda: self._archived() == len(changes))
        self._submit("archive", "--stop")

    def _changed(self) -> list[str]:
        """What is another on this machine: Spark comes here without a file system for S3, and nobody waits a minute."""
        folders = (f"archive.checkpoint={self.output}/checkpoint", f"latest.uri={self.output}/latest")
        values = (*folders, "archive.trigger=0 seconds")
        return [word for value in values for word in ("--set", value)]

    def _publish(self, changes: Sequence[Change]) -> None:
        number = publish(self.cloud, self.settings.source.stream, changes)
        say(f"published {number:,} change events to the stream {self.settings.source.stream}")

    def _submit(self, job: str, *options: str, refused: str = "") -> None:
        words = ["emr.submit", job, "--env", self.env, *options]
        self._command(*words, *([] if "--stop" in options else ["--", *self._changed()]), refused=refused)

    def _command(self, *words: str, refused: str = "") -> str:
        """Run a command as a user would; returns its standard output, or checks that it was refused."""
        shown = " ".join(words[: words.index("--")] if "--" in words else words)
        say(f"running: python -m {shown}")
        try:
            done = subprocess.run(
                [sys.executable, "-m", *words],
                cwd=self.output,
                env=self.cloud.environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=2 * _SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise RehearsalError(f"{shown}: no end within {error.timeout:g} s; {self._logs}") from error
        for line in done.stderr.splitlines():
            print(f"    {line}", flush=True)
        if refused and not (done.returncode == 1 and refused in done.stderr):
            raise RehearsalError(f"{shown} should have been refused, but wasn't")
        if not refused and done.returncode:
            raise RehearsalError(f"{shown} failed with exit code {done.returncode}")
        return done.stdout

    @property
    def _logs(self) -> str:
        return f"logs are in {self.workers.directory}"

    def _archived(self) -> int:
        """Change events that delivery records speak of so far."""
        bucket, prefix = bucket_and_prefix(self.settings.archive.uri, "archive.uri")
        s3 = self.cloud.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/deliveries/")
        keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
        bodies = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]
        return sum(int(json.loads(body)["counts"]["read"]) for body in bodies)

    def _await(self, what: str, holds: Callable[[], bool]) -> None:
        until = time.monotonic() + _SECONDS
        while not holds():
            failed = [run for run in self.cloud.runs() if run.state == "FAILED"]
            if failed:
                raise RehearsalError(f"the run {failed[0].id} failed: {failed[0].state_details}")
            if time.monotonic() > until:
                raise RehearsalError(f"{what}: not within {_SECONDS:g} s; {self._logs}")
            time.sleep(0.5)
        say(what)

    def _look(self, changes: Sequence[Change]) -> None:
        """See archive, catalog and metrics, and hold them to what was published."""
        bucket, prefix = bucket_and_prefix(self.settings.archive.uri, "archive.uri")
        download(self.cloud, bucket, prefix, self.output / "archive")
        archive = read_archive(self.output / "archive")
        tables = partitions(self.cloud, self.settings.catalog.database or "")
        kinds = Counter(change.kind for change in changes)
        run = Run(_SEED, self.settings.source.stream, 0, kinds, archive, tables, 0.0)
        if wrong := problem(run):
            raise RehearsalError(wrong)
        metrics = [line for run in self.cloud.runs() for line in self._metrics(run.id)]
        if not metrics:
            raise RehearsalError(f"no batch told its metrics: see {self.workers.directory}/*/stdout")
        print(
            f"\n  archive    {archive.archived:,} archived, {archive.failed:,} in archive errors, of {run.published:,} published"
        )
        print(
            "  catalog    " + ", ".join(f"{name} ({len(dates)} partitions)" for name, dates in tables.items())
        )
        print(f"  metrics    {len(metrics)} lines, the last: {metrics[-1][:160]}…")
        print(
            f"  logs       {self.workers.directory}/*/stdout and stderr\n\nThe deployment came out as it must."
        )

    def _metrics(self, run: str) -> list[str]:
        return [line for line in self.workers.output(run).splitlines() if '"_aws"' in line]


def say(text: str) -> None:
    """A step, for a person."""
    print(f"· {text}", flush=True)
