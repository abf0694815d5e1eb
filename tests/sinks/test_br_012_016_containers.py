"""BR-012, BR-016: records of one type and partition date become one container, read by any Avro reader."""

import io
import itertools
from collections.abc import Sequence
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.batch import Batch
from jobs.sinks.assembly import Assembly
from jobs.sinks.codecs import CODECS, compressor
from jobs.sinks.failures import BadOutcomes, UnknownCodec
from jobs.sinks.formats import Containers
from jobs.sinks.results import raise_failure
from jobs.sinks.storage import Storage, open_storage
from tests.sinks.outcomes import (
    TEXTS,
    Outcome,
    arrow,
    batches,
    contents,
    failure,
    record,
    records_in,
    thing,
)

MEBIBYTE = 1 << 20


def assemble(
    storage: Storage, batch: Batch, pieces: Any, codec: str = "zstandard", max_bytes: int = 128 * MEBIBYTE
) -> list[dict[str, Any]]:
    """What the tasks say after writing the Arrow batches; raises what stopped them."""
    results = Assembly(batch, storage, TEXTS, Containers(codec=codec, max_bytes=max_bytes))(iter(pieces))
    rows = [row for result in results for row in result.to_pylist()]
    raise_failure(rows)
    return rows


def open_archive(tmp_path_factory: pytest.TempPathFactory) -> Storage:
    """A further empty archive."""
    return open_storage(str(tmp_path_factory.mktemp("archive")))


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_is_read_back(codec: str, directory: Storage, batch: Batch) -> None:
    rows = [record(number, text="x" * (number % 700)) for number in range(3000)]
    (row,) = assemble(directory, batch, batches(rows, 1000), codec)
    body = directory.get(row["storageKey"])
    reader = fastavro.reader(io.BytesIO(body))
    assert reader.codec == codec
    assert list(reader) == [thing(number, "x" * (number % 700)) for number in range(3000)]
    assert row["bytes"] == len(body)


def test_a_codec_that_query_engines_cannot_read_is_refused() -> None:
    with pytest.raises(UnknownCodec, match="xz"):
        compressor("xz")


def test_one_container_per_type_and_partition_date(directory: Storage, batch: Batch) -> None:
    rows = [
        record(n, type, date)
        for type in ("demand", "sale")
        for date in ("2026-02-28", "2026-03-01")
        for n in range(3)
    ]
    found = assemble(directory, batch, batches(rows, 5))
    assert [(row["type"], row["partitionDate"], row["count"], row["roll"]) for row in found] == [
        ("demand", "2026-02-28", 3, 0),
        ("demand", "2026-03-01", 3, 0),
        ("sale", "2026-02-28", 3, 0),
        ("sale", "2026-03-01", 3, 0),
    ]
    for row in found:
        assert row["storageKey"].startswith(f"data/{row['type']}/partition_date={row['partitionDate']}/")
        assert records_in(directory.get(row["storageKey"])) == [thing(n) for n in range(3)]


def test_br_013_015_names_follow_from_the_batch(directory: Storage) -> None:
    batch = Batch("stream", "q", 0, "2026-03-01T12:34:56.789Z")
    assemble(directory, batch, [arrow([record(1, "sale", "2026-02-28")])])
    assert list(directory.list()) == [
        "data/sale/partition_date=2026-02-28/2026-03-01T12-34-56.789Z-ade88bd1-1756-5daa-8bb4-bd452fd55668.avro"
    ]


def test_no_rows_no_objects(directory: Storage, batch: Batch) -> None:
    assert assemble(directory, batch, []) == []
    assert assemble(directory, batch, [arrow([]), arrow([])]) == []
    assert contents(directory) == {}


def test_empty_datums_are_counted(directory: Storage, batch: Batch) -> None:
    rows = [Outcome("event", "2026-03-01", None, b"")] * 1000
    (row,) = assemble(directory, batch, batches(rows, 300))
    assert row["count"] == 1000
    assert records_in(directory.get(row["storageKey"])) == [{}] * 1000


def test_a_huge_datum_is_a_block_of_its_own(directory: Storage, batch: Batch) -> None:
    texts = ["a", "b" * 5 * MEBIBYTE, "c"]
    rows = [record(number, text=text) for number, text in enumerate(texts)]
    (row,) = assemble(directory, batch, [arrow(rows)], "null", MEBIBYTE * 8)
    blocks: list[Any] = list(fastavro.block_reader(io.BytesIO(directory.get(row["storageKey"]))))
    assert [block.num_records for block in blocks] == [1, 1, 1]
    assert [each["text"] for block in blocks for each in block] == texts


def test_a_container_rolls_before_the_limit(directory: Storage, batch: Batch) -> None:
    rows = [record(number, text=f"{number:0300}") for number in range(2000)]
    found = assemble(directory, batch, batches(rows, 700), "null", 100_000)
    assert len(found) > 5
    assert [row["roll"] for row in found] == list(range(len(found)))
    assert max(row["bytes"] for row in found) <= 100_000
    assert min(row["bytes"] for row in found[:-1]) > 80_000
    read = [each["id"] for row in found for each in records_in(directory.get(row["storageKey"]))]
    assert read == list(range(2000))
    assert len({row["storageKey"] for row in found}) == len(found)


def test_only_a_single_datum_passes_the_limit(directory: Storage, batch: Batch) -> None:
    rows = [record(0), record(1, text="x" * 50_000), record(2)]
    found = assemble(directory, batch, [arrow(rows)], "null", 10_000)
    assert [row["count"] for row in found] == [1, 1, 1]
    assert [row["bytes"] > 10_000 for row in found] == [False, True, False]


def test_each_container_has_its_own_sync_marker_and_every_block_ends_with_it(
    directory: Storage, batch: Batch
) -> None:
    rows = [record(number, text="x" * 300) for number in range(500)]
    found = assemble(directory, batch, [arrow(rows)], "null", 50_000)
    bodies = [directory.get(row["storageKey"]) for row in found]
    markers = {body[-16:] for body in bodies}
    assert len(markers) == len(bodies) > 1
    for body in bodies:
        blocks = len(list(fastavro.block_reader(io.BytesIO(body))))
        assert body.count(body[-16:]) == blocks + 1


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("limit", [1_000, 20_000, 10 * MEBIBYTE])
def test_a_replay_cut_otherwise_writes_the_same_bytes(
    limit: int, large: bool, tmp_path_factory: pytest.TempPathFactory, batch: Batch
) -> None:
    rows = [record(number, text="x" * (number * 37 % 3000)) for number in range(600)]
    rows += [failure("e" * (number * 31 % 900)) for number in range(300)]
    archives = []
    for size in (1, 7, 100, 10_000):
        archive = open_archive(tmp_path_factory)
        assemble(archive, batch, batches(rows, size, large=large), "zstandard", limit)
        archives.append(contents(archive))
    assert all(archive == archives[0] for archive in archives)


sizes = st.lists(st.integers(0, 900), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(
    lengths=sizes, cuts=st.lists(st.integers(1, 15), min_size=1, max_size=40), limit=st.integers(400, 4000)
)
def test_blocks_depend_on_the_datums_alone(
    lengths: Sequence[int], cuts: Sequence[int], limit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    batch = Batch("stream", "q", 1, "2026-03-01T00:00:00.000Z")
    rows = [record(number, text="y" * length) for number, length in enumerate(lengths)]
    starts = [0, *itertools.takewhile(lambda at: at < len(rows), itertools.accumulate(cuts)), len(rows)]
    pieces = [arrow(rows[start:end]) for start, end in itertools.pairwise(starts)]
    whole, cut = open_archive(tmp_path_factory), open_archive(tmp_path_factory)
    assemble(whole, batch, [arrow(rows)], "null", limit)
    found = assemble(cut, batch, pieces, "null", limit)
    assert contents(whole) == contents(cut)
    read = [each for row in found for each in records_in(cut.get(row["storageKey"]))]
    assert read == [thing(number, "y" * length) for number, length in enumerate(lengths)]
    assert all(row["bytes"] <= limit or row["count"] == 1 for row in found)


def test_a_group_that_comes_twice_is_refused(directory: Storage, batch: Batch) -> None:
    with pytest.raises(BadOutcomes, match="not together"):
        assemble(directory, batch, [arrow([record(1), record(2, "sale"), record(3)])])


@pytest.mark.parametrize(
    "row",
    [
        Outcome("demand", "2026-03-01", None, None),
        Outcome("venue", "2026-03-01", None, b"\x00"),
        Outcome("demand", None, None, b"\x00"),
        Outcome(None, None, None, b"\x00"),
    ],
)
def test_a_row_that_fits_nowhere_is_refused(row: Outcome, directory: Storage, batch: Batch) -> None:
    with pytest.raises(BadOutcomes):
        assemble(directory, batch, [arrow([row])])


def test_the_data_buffer_is_cut_where_the_array_says(directory: Storage, batch: Batch) -> None:
    longer = arrow([record(99), *[record(number) for number in range(5)], record(98)])
    (row,) = assemble(directory, batch, [longer.slice(1, 2), longer.slice(3, 3)])
    assert records_in(directory.get(row["storageKey"])) == [thing(number) for number in range(5)]
