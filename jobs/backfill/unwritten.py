"""A storage for dry runs: it is read as the archive is, and whatever is stored in it vanishes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from jobs.sinks.storage import Listed, Location, Storage, Stored


@dataclass(frozen=True)
class Unwritten(Storage):
    """The storage ``of`` the archive, without its writes."""

    of: Storage

    @property
    def uri(self) -> str:
        """The archive's."""
        return self.of.uri

    def location(self, key: str) -> Location:
        """Where the object would be."""
        return self.of.location(key)

    def check(self) -> None:
        """As the archive's."""
        self.of.check()

    def put(self, key: str, body: bytes | bytearray) -> None:
        """Nothing."""

    def replace(self, key: str, body: bytes | bytearray, version: str) -> None:
        """Nothing."""

    def delete(self, key: str) -> None:
        """Nothing."""

    def stat(self, key: str) -> Stored | None:
        """As the archive's."""
        return self.of.stat(key)

    def get(self, key: str) -> bytes:
        """As the archive's."""
        return self.of.get(key)

    def read(self, key: str, start: int, length: int) -> bytes:
        """As the archive's."""
        return self.of.read(key, start, length)

    def size(self, key: str) -> int:
        """As the archive's."""
        return self.of.size(key)

    def exists(self, key: str) -> bool:
        """As the archive's."""
        return self.of.exists(key)

    def list(self, prefix: str = "", after: str = "") -> Iterator[str]:
        """As the archive's."""
        return self.of.list(prefix, after)

    def dated(self, prefix: str, after: str = "") -> Iterator[tuple[str, datetime]]:
        """As the archive's."""
        return self.of.dated(prefix, after)

    def sized(self, prefix: str, after: str = "") -> Iterator[tuple[str, int]]:
        """As the archive's."""
        return self.of.sized(prefix, after)

    def listed(self, wanted: Callable[[str], bool], prefix: str = "") -> Iterator[Listed]:
        """As the archive's."""
        return self.of.listed(wanted, prefix)

    def folders(self, prefix: str) -> Iterator[str]:
        """As the archive's."""
        return self.of.folders(prefix)
