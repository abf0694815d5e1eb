"""The archive in a local directory, with the promises of S3: whole objects, never over another one."""

import errno
import hashlib
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jobs.sinks.failures import (
    AccessDenied,
    ObjectChanged,
    ObjectExists,
    ObjectMissing,
    StorageError,
)
from jobs.sinks.storage import Listed, Location, Storage, Stored, checked


@dataclass(frozen=True)
class LocalStorage(Storage):
    """Files below an absolute directory, which is made when the first object is written.

    Half-written files have names that start with a dot: no listing and no query engine sees them.
    """

    directory: str
    kind = "file"

    @property
    def uri(self) -> str:
        """``file:///directory``."""
        return f"file://{self.directory}"

    def location(self, key: str) -> Location:
        """The directory as bucket, and the key relative to it."""
        return {"type": "file", "bucket": self.directory, "key": checked(key)}

    def check(self) -> None:
        """Make the directory and a file in it: raises what stands in the way."""
        with self._translated(""), self._beside(Path(self.directory), b""):
            pass

    def put(self, key: str, body: bytes | bytearray) -> None:
        """Write beside, fsync, link: the name appears with the whole content, or ``ObjectExists`` is raised."""
        path = self._path(key)
        with self._translated(key), self._beside(path.parent, body) as beside:
            os.link(beside, path)
            _sync(path.parent)

    def replace(self, key: str, body: bytes | bytearray, version: str) -> None:
        """Write beside, fsync, rename over the file that is still that version, else ``ObjectChanged``."""
        path = self._path(key)
        with self._translated(key):
            stored = self.stat(key)
            if stored is None or stored.version != version:
                raise ObjectChanged(f"{self._name(key)} changed under us: another job writes this batch")
            with self._beside(path.parent, body) as beside:
                os.replace(beside, path)
                _sync(path.parent)

    def stat(self, key: str) -> Stored | None:
        """SHA-256 of the content, which is the version as well."""
        try:
            with self._translated(key), self._path(key).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except ObjectMissing:
            return None
        return Stored(digest, digest)

    def get(self, key: str) -> bytes:
        """The file's bytes; ``ObjectMissing`` where there is none."""
        with self._translated(key):
            return self._path(key).read_bytes()

    def read(self, key: str, start: int, length: int) -> bytes:
        """The bytes at that place of the file."""
        with self._translated(key), self._path(key).open("rb") as file:
            file.seek(start)
            return file.read(length)

    def size(self, key: str) -> int:
        """The file's size."""
        with self._translated(key):
            return self._path(key).stat().st_size

    def exists(self, key: str) -> bool:
        """Whether there is such a file."""
        with self._translated(key):
            return self._path(key).is_file()

    def list(self, prefix: str = "", after: str = "") -> Iterator[str]:
        """Keys sorted as S3 sorts them; walks the deepest directory that the prefix names, holding one folder's names."""
        with self._translated(prefix and checked(f"{prefix}_")):
            for key in self._walk(prefix[: prefix.rfind("/") + 1], after):
                if key.startswith(prefix) and key > after:
                    yield key

    def dated(self, prefix: str, after: str = "") -> Iterator[tuple[str, datetime]]:
        """When the file was last changed; a file that goes meanwhile is left out."""
        for key, found in self._stats(prefix, after):
            yield key, datetime.fromtimestamp(found.st_mtime, UTC)

    def sized(self, prefix: str, after: str = "") -> Iterator[tuple[str, int]]:
        """Likewise."""
        for key, found in self._stats(prefix, after):
            yield key, found.st_size

    def _stats(self, prefix: str, after: str) -> Iterator[tuple[str, os.stat_result]]:
        for key in self.list(prefix, after):
            try:
                yield key, os.stat(self._name(key))
            except FileNotFoundError:
                continue

    def listed(self, wanted: Callable[[str], bool], prefix: str = "") -> Iterator[Listed]:
        """A file's version is its SHA-256."""
        for key in filter(wanted, self.list(prefix)):
            stored = self.stat(key)
            if stored:
                yield Listed(key, self.size(key), stored.version)

    def _walk(self, folder: str, after: str) -> Iterator[str]:
        """What is below a folder, empty or with its slash, in order: what a folder holds comes together, by its slash.

        Without the folders that end before ``after``.
        """
        try:
            with os.scandir(Path(self.directory, folder)) as found:
                names = [
                    f"{each.name}/" if each.is_dir() else each.name for each in found if not _leads_away(each)
                ]
        except FileNotFoundError:
            return
        for name in sorted(names):
            if name.endswith("/"):
                if (path := f"{folder}{name}") > after or after.startswith(path):
                    yield from self._walk(path, after)
            elif not name.startswith("."):
                yield f"{folder}{name}"

    def folders(self, prefix: str) -> Iterator[str]:
        """Directories, also such as hold nothing any more."""
        with self._translated(prefix and checked(f"{prefix}_")):
            try:
                found = [each.name for each in os.scandir(Path(self.directory, prefix)) if each.is_dir()]
            except FileNotFoundError:
                found = []
        yield from (f"{prefix}{name}/" for name in sorted(found) if name[0] != ".")

    def delete(self, key: str) -> None:
        """Remove the file; fine if it is gone."""
        with self._translated(key):
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return Path(self.directory, checked(key))

    def _name(self, key: str) -> str:
        return f"{self.directory}/{key}"

    @contextmanager
    def _beside(self, folder: Path, body: bytes | bytearray) -> Iterator[Path]:
        """The body in a file of that folder that is gone afterwards, if it wasn't renamed."""
        self._make(folder)
        path = folder / f".{uuid.uuid4()}.tmp"
        try:
            with path.open("xb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _make(self, folder: Path) -> None:
        if not folder.is_dir():
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except FileExistsError as error:
                # Not to be taken for the object itself, which isn't there.
                raise NotADirectoryError(*error.args) from error
            self._sync_up(folder)

    def sync(self, key: str) -> None:
        """Make a file that somebody else wrote, and its name, survive a crash of the machine."""
        with self._translated(key):
            _sync(self._path(key))
            self._sync_up(self._path(key).parent)

    def _sync_up(self, folder: Path) -> None:
        for parent in (folder, *folder.parents):
            if not parent.is_relative_to(self.directory):
                break
            _sync(parent)

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        name = self._name(key)
        try:
            yield
        except FileExistsError as error:
            raise ObjectExists(f"{name} exists already") from error
        except FileNotFoundError as error:
            raise ObjectMissing(f"there is no {name}") from error
        except PermissionError as error:
            raise AccessDenied(
                f"no permission for {name}: correct its owner or mode, or archive.uri or archive.checkpoint"
            ) from error
        except NotADirectoryError as error:
            raise StorageError(
                f"{name} can't be there: a part of its path is a file; correct archive.uri or archive.checkpoint"
            ) from error
        except OSError as error:
            reason = errno.errorcode.get(error.errno or 0, "unknown error")
            raise StorageError(
                f"the file system failed on {name} ({reason}): see to the disk, then go on"
            ) from error


def _leads_away(entry: "os.DirEntry[str]") -> bool:
    return entry.is_symlink() and entry.is_dir()


def _sync(path: Path) -> None:
    """Make a file's content, or the names in a folder, survive a crash of the machine."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
