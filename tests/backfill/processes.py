"""The backfill as users run it: a process of its own, started as the archive job is in its tests."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.jobs.job import Finished, Job, Running


class Backfill(Job):
    """A conf file and an environment; the arguments are those behind ``--conf``."""

    @contextmanager
    def started(self, *arguments: str, **environment: str) -> Iterator[Running]:
        """Start the command; it is gone when the block ends."""
        command = [sys.executable, "-m", "jobs.backfill", "--conf", str(self.conf_file()), *arguments]
        with self.process(command, environment) as running:
            yield running

    def run(self, *arguments: str, **environment: str) -> Finished:
        """Run to the end."""
        with self.started(*arguments, **environment) as running:
            return running.end()
