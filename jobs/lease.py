"""One process at a run: a lease in the archive whose holder keeps changing it. No clocks are compared.

Two processes at one run would do no harm, for they write the same bytes under the same names; it is only wasted work. Runs that
share a lease because they could take the same events for theirs would archive these twice.
"""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from jobs.errors import PipelineError
from jobs.sinks.failures import ObjectChanged, ObjectExists, StorageError
from jobs.sinks.storage import Storage

log = structlog.get_logger()

BEAT_SECONDS = 2.0
BEATS_TO_WATCH = 4
# Others take over what nobody has changed for BEATS_TO_WATCH beats: its holder stops before that.
BEATS_TO_TRUST = 3
BEATS_TO_WAIT = 15


class RunUnderWay(PipelineError):
    """Another process is at the same run."""


@dataclass
class Lease:
    """The lease under ``key``; ``lost`` once another process has taken it over."""

    storage: Storage
    key: str
    beat_seconds: float = BEAT_SECONDS
    lost: bool = False
    _holder: str = field(default_factory=lambda: str(uuid.uuid4()))
    _beats: int = 0
    _version: str = ""
    _confirmed: float = 0.0
    _ended: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def held(self) -> Iterator["Lease"]:
        """Hold the lease while the block runs, then remove it. Raises ``RunUnderWay`` where another process does."""
        self._acquire()
        beating = threading.Thread(target=self._beat, name="lease", daemon=True)
        beating.start()
        try:
            yield self
        finally:
            self._ended.set()
            beating.join()
            self._release()

    def check(self) -> None:
        """Raise ``RunUnderWay`` where the lease is lost, or may be: the archive hasn't confirmed it lately, nor while this waits."""
        until = time.monotonic() + self.beat_seconds * BEATS_TO_WAIT
        while not (self.lost or self._is_confirmed()) and time.monotonic() < until:
            self._ended.wait(self.beat_seconds / 10)
        if self.lost:
            raise self._under_way()
        if not self._is_confirmed():
            raise RunUnderWay(
                f"{self.key}: the archive hasn't answered for so long that another process may have taken over: this start "
                "ends, nothing is archived twice; start again"
            )

    def is_held(self) -> bool:
        """Whether a process holds it: watched until it changes, or for as long as a holder may be silent."""
        before = self._present()
        return bool(before) and self._changes(before)

    def _is_confirmed(self) -> bool:
        return time.monotonic() - self._confirmed < self.beat_seconds * BEATS_TO_TRUST

    def _acquire(self) -> None:
        try:
            self._confirmed = time.monotonic()
            self.storage.put(self.key, self._content())
            self._version = self._present()
        except ObjectExists:
            self._take_over(self._watched())

    def _watched(self) -> str:
        """The version of a lease that nobody changes any more: its holder died. Raises ``RunUnderWay``."""
        before = self._present()
        if self._changes(before):
            raise self._under_way()
        return before

    def _changes(self, before: str) -> bool:
        for _ in range(BEATS_TO_WATCH):
            time.sleep(self.beat_seconds)
            if self._present() != before:
                return True
        return False

    def _take_over(self, version: str) -> None:
        log.info("lease.taken_over", lease=self.key)
        self._confirmed = time.monotonic()
        try:
            if version:
                self.storage.replace(self.key, self._content(), version)
            else:
                self.storage.put(self.key, self._content())
        except (ObjectChanged, ObjectExists):
            raise self._under_way() from None
        self._version = self._present()

    def _beat(self) -> None:
        while not self._ended.wait(self.beat_seconds) and not self.lost:
            self._beats += 1
            begun = time.monotonic()
            try:
                self.storage.replace(self.key, self._content(), self._version)
                self._confirmed = begun
                self._version = self._present()
            except ObjectChanged:
                # An answer that got lost may have been ours.
                self.lost = not self._is_ours()
            except StorageError as error:
                log.warning("lease.unanswered", lease=self.key, reason=error.message)

    def _is_ours(self) -> bool:
        try:
            holder = json.loads(self.storage.get(self.key))["holder"]
            self._version = self._present()
        except (StorageError, ValueError, KeyError):
            return False
        return bool(holder == self._holder)

    def _release(self) -> None:
        try:
            if not self.lost and self._present() == self._version:
                self.storage.delete(self.key)
        except StorageError as error:
            log.warning("lease.left", lease=self.key, reason=error.message)

    def _present(self) -> str:
        """The version that is there, empty where there is none."""
        stored = self.storage.stat(self.key)
        return stored.version if stored else ""

    def _content(self) -> bytes:
        return json.dumps({"holder": self._holder, "beat": self._beats}).encode()

    def _under_way(self) -> RunUnderWay:
        run = self.key.removeprefix("runs/").removesuffix(".lease")
        return RunUnderWay(f"run {run} is under way elsewhere: this start ends, nothing is archived twice")
