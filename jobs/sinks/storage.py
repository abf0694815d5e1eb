"""Where the archive lives: an S3 prefix or a local directory, behind one small interface."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from jobs.sinks.failures import BadArchiveUri, BadKey

ATTEMPTS = 8
TIMEOUT_SECONDS = 60


class Location(TypedDict):
    """The domain's S3 storage record; ``type`` is "s3" or "file"."""

    type: str
    bucket: str
    key: str


@dataclass(frozen=True)
class Stored:
    """An object that is there: its content's SHA-256 (hex) and what tells this version from another."""

    sha256: str
    version: str


@dataclass(frozen=True)
class Listed:
    """An object of a listing: bytes, and what tells this version from another (an ETag, or the content's SHA-256)."""

    key: str
    size: int
    version: str


class Storage(ABC):
    """Objects under the archive's root. Keys are relative to it: ``data/demand/partition_date=…/….avro``.

    Instances are frozen and pickle; whatever talks to the network is made where it is used.
    """

    kind: str
    """"s3" or "file"."""

    @property
    @abstractmethod
    def uri(self) -> str:
        """The archive's root without a trailing slash: ``s3://bucket/prefix`` or ``file:///directory``."""

    @abstractmethod
    def location(self, key: str) -> Location:
        """Where the object is, as delivery records say it."""

    @abstractmethod
    def check(self) -> None:
        """Raise the ``StorageError`` that the first write would meet, where that can be known beforehand."""

    @abstractmethod
    def put(self, key: str, body: bytes | bytearray) -> None:
        """Store a new object, whole or not at all; ``ObjectExists`` where there is one of that name."""

    @abstractmethod
    def replace(self, key: str, body: bytes | bytearray, version: str) -> None:
        """Store over that version of an object no delivery record names; ``ObjectChanged`` if it is another."""

    @abstractmethod
    def stat(self, key: str) -> Stored | None:
        """Digest and version of an object, read without holding it in memory; None where there is none."""

    @abstractmethod
    def get(self, key: str) -> bytes:
        """The object's bytes; ``ObjectMissing`` where there is none."""

    @abstractmethod
    def read(self, key: str, start: int, length: int) -> bytes:
        """At most so many bytes of an object from ``start`` on, fewer only at its end; ``ObjectMissing`` likewise."""

    @abstractmethod
    def size(self, key: str) -> int:
        """The object's bytes, counted; ``ObjectMissing`` where there is none."""

    @abstractmethod
    def exists(self, key: str) -> bool:
        """Whether there is such an object."""

    @abstractmethod
    def list(self, prefix: str = "", after: str = "") -> Iterator[str]:
        """Keys that start with ``prefix`` and sort after ``after``, in the order of their UTF-8 bytes."""

    @abstractmethod
    def dated(self, prefix: str, after: str = "") -> Iterator[tuple[str, datetime]]:
        """As :meth:`list`, each key with when its object was stored, by the storage's clock."""

    @abstractmethod
    def sized(self, prefix: str, after: str = "") -> Iterator[tuple[str, int]]:
        """As :meth:`list`, each key with its object's bytes, of which nothing is read."""

    @abstractmethod
    def listed(self, wanted: Callable[[str], bool], prefix: str = "") -> Iterator[Listed]:
        """As :meth:`list`, the wanted ones of these keys with sizes and versions; in a directory this reads their files."""

    @abstractmethod
    def folders(self, prefix: str) -> Iterator[str]:
        """What lies directly below ``prefix`` (empty or a folder) and holds objects: ``{prefix}{name}/``, in order."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove a leftover that no delivery record names (BR-018: nothing else); fine if it is gone."""


def open_storage(
    uri: str,
    kms_key_id: str | None = None,
    *,
    attempts: int = ATTEMPTS,
    timeout_seconds: int = TIMEOUT_SECONDS,
) -> Storage:
    """The storage of ``s3://bucket[/prefix]``, ``file:///directory`` or a local path; connects to nothing.

    ``kms_key_id`` makes S3 encrypt every object with that key, ``attempts`` and ``timeout_seconds`` bound how long a
    call to it may fail or stay unanswered. Raises ``BadArchiveUri``.
    """
    from jobs.sinks.local import LocalStorage
    from jobs.sinks.s3 import S3Storage

    scheme, separator, rest = uri.partition("://")
    if not separator:
        scheme, rest = "file", uri
    if scheme == "s3":
        bucket, _, prefix = rest.partition("/")
        prefix = prefix.strip("/")
        if not bucket or (prefix and not is_safe(prefix)):
            raise BadArchiveUri(f"{uri!r} is no s3://bucket/prefix: give a bucket and plain folder names")
        return S3Storage(bucket, prefix, kms_key_id, attempts, timeout_seconds)
    if scheme == "file" and rest and not rest.startswith("s3:") and (not separator or rest.startswith("/")):
        return LocalStorage(os.path.abspath(rest))
    raise BadArchiveUri(f"{uri!r} is not understood: use s3://bucket/prefix or a local directory")


def is_safe(key: str) -> bool:
    """Whether a key stays below the root on every storage: plain, visible names between single slashes.

    >>> is_safe("errors/a.json"), is_safe("../a"), is_safe("data//a"), is_safe("data/.a.tmp")
    (True, False, False, False)
    """
    return all(part and part[0] != "." and part.isprintable() and "\\" not in part for part in key.split("/"))


def checked(key: str) -> str:
    """The key itself, or ``BadKey``."""
    if not is_safe(key):
        raise BadKey(f"{key!r} is no key of the archive: only plain names between single slashes are")
    return key
