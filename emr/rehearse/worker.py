"""What EMR Serverless does with a run, done on this machine: fetch what the request names, start spark-submit, tell how it ended."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emr.rehearse.cloud import Cloud
from jobs.java import find_java
from jobs.session import find_jars, spark_home

_ENVIRONMENT = "spark.emr-serverless.driverEnv."
_IMAGES_JARS = "/usr/share/aws/delta/lib"
_POLL_SECONDS = 0.2


def image(directory: Path, python: str) -> dict[str, str]:
    """The environment of an image: Spark, Java and a Python with its standard library alone, least of all this checkout."""
    directory.mkdir(parents=True)
    interpreter = directory / f"python{python}"
    interpreter.write_text(f'#!/bin/sh\nexec {getattr(sys, "_base_executable", sys.executable)} -S "$@"\n')
    interpreter.chmod(0o755)
    return {
        "PATH": f"{directory}:/usr/bin:/bin",
        "SPARK_HOME": str(spark_home(directory / "spark", "python")),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_SUBMIT_OPTS": "-XX:TieredStopAtLevel=1",  # what takes Java longest in short runs is to compile thoroughly
        "JAVA_HOME": str(find_java()),
    }


@dataclass
class Workers:
    """Runs every run that is submitted to the cloud, in a folder of its own: ``{directory}/{run id}``."""

    cloud: Cloud
    directory: Path
    image: dict[str, str]
    _processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Workers":
        """Begin to look for runs."""
        self._thread = threading.Thread(target=self._work)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End what still runs."""
        self._over.set()
        self._thread.join()
        for process in self._processes.values():
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def output(self, run: str) -> str:
        """What the run's driver has said on standard output so far."""
        return (self.directory / run / "stdout").read_text(encoding="utf-8")

    def _work(self) -> None:
        while not self._over.wait(_POLL_SECONDS):
            for run in self.cloud.runs():
                self._attend(run)

    def _attend(self, run: Any) -> None:
        if run.state == "SUBMITTED":
            try:
                self._processes[run.id] = self._started(run)
                run.state = "RUNNING"
            except Exception as error:  # noqa: BLE001 - as EMR Serverless: whatever it is, the run failed
                run.state, run.state_details = "FAILED", str(error)
        process = self._processes.get(run.id)
        if run.state == "CANCELLING" and process is not None:
            process.send_signal(signal.SIGTERM)
            code = process.wait(120)
            run.state, run.state_details = "CANCELLED", f"exit code {code}"
        elif run.state == "RUNNING" and process is not None and process.poll() is not None:
            run.state = "SUCCESS" if process.returncode == 0 else "FAILED"
            run.state_details = f"exit code {process.returncode}, see {self.directory / run.id / 'stderr'}"

    def _started(self, run: Any) -> "subprocess.Popen[bytes]":
        folder = self.directory / run.id
        cwd = folder / "work"
        cwd.mkdir(parents=True)
        request = run.job_driver["sparkSubmit"]
        words = shlex.split(request["sparkSubmitParameters"])
        options, environment = self._options(words, folder, cwd)
        start = self._fetched(request["entryPoint"], folder)
        command = [f"{self.image['SPARK_HOME']}/bin/spark-submit", "--master", "local[2]", *options, start]
        with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
            return subprocess.Popen(
                [str(word) for word in [*command, *request["entryPointArguments"]]],
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**self.cloud.environment(), **self.image, **environment},
                start_new_session=True,
            )

    def _options(
        self, words: Sequence[str], folder: Path, cwd: Path
    ) -> tuple[list[str | Path], dict[str, str]]:
        """The options for spark-submit here, and the driver's environment."""
        options: list[str | Path] = []
        environment: dict[str, str] = {}
        for option, value in zip(words[::2], words[1::2], strict=True):
            if option == "--archives":
                uri, name = value.split("#")
                shutil.unpack_archive(self._fetched(uri, folder), cwd / name)
            elif value.startswith(_ENVIRONMENT):
                name, text = value.removeprefix(_ENVIRONMENT).split("=", 1)
                environment[name] = text
            elif option in ("--jars", "--py-files"):
                options += [option, ",".join(str(self._fetched(uri, folder)) for uri in value.split(","))]
            else:
                options += [option, value]
        return options, environment

    def _fetched(self, uri: str, folder: Path) -> Path:
        """A file of the release from S3, or a jar that is in the image."""
        name = uri.rsplit("/", 1)[1]
        if uri.startswith(_IMAGES_JARS):
            stem = name.removesuffix(".jar")
            return next(jar for jar in find_jars() if jar.name.startswith(stem))
        bucket, key = uri.removeprefix("s3://").split("/", 1)
        path = folder / name
        self.cloud.client("s3").download_file(bucket, key, str(path))
        return path
