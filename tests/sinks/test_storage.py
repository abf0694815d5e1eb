"""What both storages promise."""

import hashlib
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.sinks.failures import (
    BadArchiveUri,
    BadKey,
    ObjectChanged,
    ObjectExists,
    ObjectMissing,
    StorageError,
)
from jobs.sinks.storage import Storage, open_storage

KEY = "data/sale/partition_date=2026-02-28/2026-03-01T12-34-56.789Z-1.avro"


def test_an_object_comes_back_as_it_was_put(storage: Storage) -> None:
    body = bytearray(range(256)) * 20_000
    storage.put(KEY, body)
    assert storage.exists(KEY)
    assert storage.get(KEY) == body
    assert list(storage.list()) == [KEY]


def test_an_object_can_be_read_in_pieces(storage: Storage) -> None:
    storage.put(KEY, bytes(range(100)))
    assert storage.size(KEY) == 100
    assert storage.read(KEY, 0, 10) == bytes(range(10))
    assert storage.read(KEY, 90, 50) == bytes(range(90, 100))


def test_a_listing_can_tell_sizes_and_versions(storage: Storage) -> None:
    for key, body in (("a/1", b"one"), ("a/2", b"three"), ("b", b"one")):
        storage.put(key, body)
    found = {each.key: each for each in storage.listed(lambda key: key != "a/1")}
    assert {key: each.size for key, each in found.items()} == {"a/2": 5, "b": 3}
    (same,) = storage.listed(lambda key: key == "a/1")
    assert same.version == found["b"].version != found["a/2"].version
    assert [each.key for each in storage.listed(lambda _: True, "a/")] == ["a/1", "a/2"]


def test_a_listing_can_tell_when_each_object_was_stored(storage: Storage) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)  # S3 tells whole seconds
    for key in ("a/1", "a/2", "b"):
        storage.put(key, b"")
    found = dict(storage.dated("a/"))
    assert list(found) == ["a/1", "a/2"]
    assert list(storage.dated("a/", "a/1")) == [("a/2", found["a/2"])]
    assert all(before < at <= datetime.now(UTC) for at in found.values())


def test_a_listing_can_tell_how_large_each_object_is(storage: Storage) -> None:
    for key, body in {"a/1": b"", "a/2": b"12", "b": b"1"}.items():
        storage.put(key, body)
    assert list(storage.sized("a/")) == [("a/1", 0), ("a/2", 2)]
    assert list(storage.sized("a/", "a/1")) == [("a/2", 2)]


def test_an_object_is_never_put_over_another(storage: Storage) -> None:
    storage.put(KEY, b"first")
    with pytest.raises(ObjectExists, match=KEY):
        storage.put(KEY, b"second")
    assert storage.get(KEY) == b"first"


def test_stat_tells_digest_and_version(storage: Storage) -> None:
    assert storage.stat(KEY) is None
    storage.put(KEY, b"first")
    first = storage.stat(KEY)
    assert first is not None
    assert first.sha256 == hashlib.sha256(b"first").hexdigest()
    storage.replace(KEY, b"second", first.version)
    second = storage.stat(KEY)
    assert second is not None
    assert second.version != first.version
    assert storage.get(KEY) == b"second"


def test_only_the_version_that_was_judged_is_replaced(storage: Storage) -> None:
    storage.put(KEY, b"first")
    judged = storage.stat(KEY)
    assert judged is not None
    storage.replace(KEY, b"somebody else's", judged.version)
    with pytest.raises(ObjectChanged):
        storage.replace(KEY, b"ours", judged.version)
    storage.delete(KEY)
    with pytest.raises(ObjectChanged):
        storage.replace(KEY, b"ours", judged.version)
    assert not storage.exists(KEY)


@pytest.mark.parametrize("ask", [lambda storage: storage.read(KEY, 0, 1), lambda storage: storage.size(KEY)])
def test_nothing_can_be_read_of_a_missing_object(ask: Callable[[Storage], object], storage: Storage) -> None:
    with pytest.raises(ObjectMissing):
        ask(storage)


def test_a_missing_object_is_missing(storage: Storage) -> None:
    storage.put("errors/there.json", b"")
    assert not storage.exists(KEY)
    with pytest.raises(ObjectMissing, match=KEY):
        storage.get(KEY)
    storage.delete(KEY)


def test_keys_are_listed_by_prefix_in_the_order_of_their_bytes(storage: Storage) -> None:
    keys = ["a/b-c/1", "a/b/1", "a/b/2", "a/b.c/1", "a/ü", "b", "a-b"]
    for key in keys:
        storage.put(key, b"")
    assert list(storage.list()) == ["a-b", "a/b-c/1", "a/b.c/1", "a/b/1", "a/b/2", "a/ü", "b"]
    assert list(storage.list("a/b")) == ["a/b-c/1", "a/b.c/1", "a/b/1", "a/b/2"]
    assert list(storage.list("a/b/")) == ["a/b/1", "a/b/2"]
    assert list(storage.list("a/", after="a/b/1")) == ["a/b/2", "a/ü"]
    assert list(storage.list("a/b/2", after="a/b/1")) == ["a/b/2"]
    assert list(storage.list("c")) == []


def test_what_a_folder_holds_comes_where_its_slash_sorts(storage: Storage) -> None:
    keys = ["a", "a!/z", "a-b/c", "a.d", "a/b/c", "a/b-c", "a/b/é", "a0", "é/a"]
    for key in keys:
        if storage.kind == "s3" or key != "a":
            storage.put(key, b"")
    listed = list(storage.list())
    assert listed == sorted(listed, key=str.encode)
    assert set(listed) >= set(keys[1:])
    assert list(storage.list("a/")) == ["a/b-c", "a/b/c", "a/b/é"]
    assert list(storage.list("", "a/b-c")) == ["a/b/c", "a/b/é", "a0", "é/a"]


def test_folders_are_what_lies_directly_below(storage: Storage) -> None:
    for key in ("data/sale/b/1", "data/sale/a/1", "data/sale/a/2", "data/event/c/1", "data/1", "errors/1"):
        storage.put(key, b"")
    assert list(storage.folders("")) == ["data/", "errors/"]
    assert list(storage.folders("data/")) == ["data/event/", "data/sale/"]
    assert list(storage.folders("data/sale/")) == ["data/sale/a/", "data/sale/b/"]
    assert list(storage.folders("nowhere/")) == []


def test_listing_goes_on_past_a_page(storage: Storage) -> None:
    keys = [f"deliveries/2026-03-01/{number:04d}" for number in range(1003)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda key: storage.put(key, b""), keys))
    assert list(storage.list("deliveries/")) == keys
    assert list(storage.list("deliveries/", after=keys[1000])) == keys[1001:]


@pytest.mark.parametrize(
    "key", ["../a", "a/../../b", "/a", "a//b", "a/", "", ".", "a/.b", "a\\b", "a\0b", "a\nb"]
)
@pytest.mark.parametrize(
    "call",
    [
        lambda storage, key: storage.put(key, b""),
        lambda storage, key: storage.replace(key, b"", "v"),
        lambda storage, key: storage.get(key),
        lambda storage, key: storage.stat(key),
        lambda storage, key: storage.exists(key),
        lambda storage, key: storage.delete(key),
        lambda storage, key: storage.location(key),
    ],
)
def test_no_key_leaves_the_archive(
    call: Callable[[Storage, str], object], key: str, directory: Storage
) -> None:
    for storage in (directory, open_storage("s3://bucket/prefix")):
        with pytest.raises(BadKey):
            call(storage, key)


@pytest.mark.parametrize("prefix", ["../", "a/../", "/"])
def test_no_listing_leaves_the_archive(prefix: str, directory: Storage) -> None:
    for storage in (directory, open_storage("s3://bucket/prefix")):
        with pytest.raises(BadKey):
            list(storage.list(prefix))


def test_a_used_storage_still_pickles(storage: Storage) -> None:
    storage.put(KEY, b"body")
    copy = pickle.loads(pickle.dumps(storage))  # noqa: S301
    assert copy == storage
    assert copy.get(KEY) == b"body"


def test_check_passes_where_a_write_would(storage: Storage) -> None:
    storage.check()
    assert list(storage.list()) == []


def test_of_concurrent_puts_one_wins_whole(directory: Storage) -> None:
    bodies = [bytes([number]) * 100_000 for number in range(16)]

    def put(body: bytes) -> bool:
        try:
            directory.put(KEY, body)
        except ObjectExists:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        won = list(threads.map(put, bodies))
    assert won.count(True) == 1
    assert directory.get(KEY) == bodies[won.index(True)]


def test_nothing_half_written_is_seen(directory: Storage, tmp_path: Path) -> None:
    directory.put("errors/a.json", b"")
    (tmp_path / "archive" / "errors" / ".b.tmp").write_bytes(b"half")
    assert list(directory.list()) == ["errors/a.json"]
    with pytest.raises(ObjectExists):
        directory.put("errors/a.json", b"again")
    assert sorted(path.name for path in (tmp_path / "archive" / "errors").iterdir()) == [".b.tmp", "a.json"]


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(b"")
    storage = open_storage(str(tmp_path / "archive"))
    for call in (storage.check, lambda: storage.put(KEY, b"")):
        with pytest.raises(StorageError, match=r"archive"):
            call()


@pytest.mark.parametrize(
    ("uri", "root", "location"),
    [
        ("s3://bucket", "s3://bucket", {"type": "s3", "bucket": "bucket", "key": "errors/a.json"}),
        ("s3://bucket/", "s3://bucket", {"type": "s3", "bucket": "bucket", "key": "errors/a.json"}),
        (
            "s3://bucket/p/q/",
            "s3://bucket/p/q",
            {"type": "s3", "bucket": "bucket", "key": "p/q/errors/a.json"},
        ),
        (
            "/srv/archive/",
            "file:///srv/archive",
            {"type": "file", "bucket": "/srv/archive", "key": "errors/a.json"},
        ),
        (
            "file:///srv/archive",
            "file:///srv/archive",
            {"type": "file", "bucket": "/srv/archive", "key": "errors/a.json"},
        ),
    ],
)
def test_the_uri_decides_where_objects_are(uri: str, root: str, location: dict[str, str]) -> None:
    storage = open_storage(uri)
    assert storage.uri == root
    assert storage.kind == location["type"]
    assert storage.location("errors/a.json") == location


def test_a_relative_directory_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_storage("archive").uri == f"file://{tmp_path}/archive"


@pytest.mark.parametrize(
    "uri",
    ["", "s3://", "s3:///prefix", "s3:bucket", "s3a://bucket", "file://host/a", "file://", "s3://b/../c"],
)
def test_another_uri_is_refused(uri: str) -> None:
    with pytest.raises(BadArchiveUri):
        open_storage(uri)


def test_a_file_where_a_folder_is_due_is_no_object_that_exists(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    for storage, key in (
        (open_storage(str(tmp_path)), "data/a"),
        (open_storage(str(tmp_path / "data")), "a"),
    ):
        with pytest.raises(StorageError, match="a part of its path is a file") as raised:
            storage.put(key, b"x")
        assert not isinstance(raised.value, ObjectExists)
