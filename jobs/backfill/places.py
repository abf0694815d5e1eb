"""Where an input is: ``--input`` as a storage and what lies below its root."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jobs.backfill.errors import BadInput
from jobs.settings import ArchiveSettings
from jobs.sinks.failures import AccessDenied, BadArchiveUri, BadKey, MissingBucket, ObjectMissing
from jobs.sinks.storage import Storage, open_storage

_WILDCARD = re.compile(r"\*\*/|\*|\?|\[[^]/]*\]")
_HIDDEN = re.compile(r"(?:^|/)[._]")


def open_place(path: str, settings: ArchiveSettings) -> Storage:
    """The storage of a directory or an S3 prefix, with the archive's bounds. Raises ``BadInput``."""
    with told_of_input(path):
        return open_storage(path, attempts=settings.retry_attempts, timeout_seconds=settings.timeout_seconds)


@contextmanager
def told_of_input(path: str) -> Iterator[None]:
    """Raise what is wrong with a place as ``BadInput``: the archive's own words would name the archive's conf."""
    try:
        yield
    except BadArchiveUri:
        raise BadInput(f"--input {path}: is neither s3://bucket/prefix nor a local path") from None
    except BadKey as error:
        raise BadInput(f"--input {path}: has a file that can't be read: {error.message}") from error
    except (MissingBucket, ObjectMissing) as error:
        raise BadInput(f"--input {path}: isn't there ({type(error).__name__})") from error
    except AccessDenied as error:
        raise BadInput(f"--input {path}: may not be read; it takes s3:ListBucket and s3:GetObject") from error


def parent(path: str) -> tuple[str, str]:
    """The folder that a path is in, and its name there, which is empty for a bucket.

    >>> parent("s3://bucket/a/b/"), parent("s3://bucket/a"), parent("s3://bucket"), parent("/a"), parent("a")
    (('s3://bucket/a', 'b'), ('s3://bucket', 'a'), ('s3://bucket', ''), ('/', 'a'), ('.', 'a'))
    """
    scheme, separator, rest = path.rstrip("/").rpartition("://")
    head, slash, name = rest.rpartition("/")
    if separator and not head:
        return path.rstrip("/"), ""
    return scheme + separator + head or (slash or "."), name


def root_of(glob: str) -> tuple[str, str]:
    """The folder above the first name with a wildcard, and the pattern of what lies below it.

    >>> root_of("s3://bucket/a/2026-*/*.gz"), root_of("*.json"), root_of("/a")
    (('s3://bucket/a', '2026-*/*.gz'), ('.', '*.json'), ('/a', ''))
    """
    first = _WILDCARD.search(glob)
    if not first:
        return glob, ""
    cut = glob.rfind("/", 0, first.start()) + 1
    return (glob[:cut].rstrip("/") or "/") if cut else ".", glob[cut:]


def literal(pattern: str) -> str:
    """How every key begins that the pattern asks for.

    >>> literal("2026-*/*.gz"), literal("*.gz"), literal("")
    ('2026-', '', '')
    """
    return _WILDCARD.split(pattern, maxsplit=1)[0]


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a key is one that the pattern asks for; ``*``, ``?``, ``[…]`` stay within a name, ``**/`` is any folders.

    Without a pattern it is every file. What other programs hide is none, by its own name or a folder's: ``_SUCCESS``,
    ``_temporary/…``, ``.part.crc``.

    >>> [matcher("*.gz")(key) for key in ("a.gz", "b/a.gz")], matcher("**/a")("b/c/a"), matcher("")("b/_SUCCESS")
    ([True, False], True, False)
    """
    compiled = re.compile(_expression(pattern or "**/*"))
    return lambda key: not _HIDDEN.search(key) and bool(compiled.fullmatch(key))


def _expression(pattern: str) -> str:
    words = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    parts, end = "", 0
    for found in _WILDCARD.finditer(pattern):
        parts += re.escape(pattern[end : found.start()]) + words.get(found[0], found[0])
        end = found.end()
    return parts + re.escape(pattern[end:])
