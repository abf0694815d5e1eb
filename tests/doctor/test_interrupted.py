"""A batch that was begun and not archived: the doctor foresees whether the reader can read it again as it was."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.checkpoint import latest_batches
from jobs.instants import now
from jobs.sinks.deliveries import write_delivery_record
from jobs.sinks.records import delivery_record
from jobs.sinks.storage import Storage, open_storage
from jobs.sources.kinesis.errors import ReplayFailed, TrimmedPosition
from jobs.sources.kinesis.offsets import Offset, at, ranges
from tests.doctor.conftest import Doctor, begin, log_batch, outlook
from tests.doctor.test_diagnosis import DAYS, FAILS, FIRST, WORKS
from tests.sources.fake_kinesis import STREAM, FakeKinesis
from tests.sources.reading import Consumer

pytestmark = pytest.mark.usefixtures("quick")


def interrupt(fake: FakeKinesis, checkpoint: Storage, batches: int = 1, records: int = 6) -> Consumer:
    """Read so many records as the job does, and log them as Spark does, the last batch as begun; the reader."""
    fake.put(FIRST, [b"%d" % number for number in range(records)], age_seconds=1.1 * DAYS)
    begin(checkpoint)
    start: Offset = {FIRST: "TRIM_HORIZON"}
    consumer = Consumer(STREAM, start, maxRecordsPerBatch=records // batches).drain()
    for number, logged in enumerate(consumer.logged[1:]):
        log_batch(checkpoint, number, logged, done=number < batches - 1)
    assert len(consumer.batches) == batches
    return consumer


def test_a_batch_that_is_all_there_is_run_again_with_the_same_change_events(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    consumer = interrupt(fake, checkpoint)
    fake.put(FIRST, [b"since"])
    said = doctor()
    assert said.code == WORKS, said.out
    assert outlook(said.out).startswith(
        "Next start: works; runs batch 0 again, with the same change events, and goes on; "
    )
    assert consumer.again(0).num_rows == 6


def test_a_first_batch_whose_beginning_has_expired_is_foretold(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    """From TRIM_HORIZON the reader takes what there is: only the batch's count tells."""
    consumer = interrupt(fake, checkpoint)
    fake.trim(FIRST, 4)
    said = doctor()
    assert said.code == FAILS
    told = outlook(said.out)
    assert "  Batch 0 had read 6 change events, and stream fake holds 2 of them: the others expired" in told
    assert (
        "What to do: to go on with what is left, start once with --set source.fail_on_data_loss=false" in told
    )
    assert "the same change events" not in said.out
    assert consumer.again(0).num_rows == 2, "which the job refuses: RecordsExpired"


def test_where_conf_lets_them_be_lost_the_batch_is_run_with_what_is_left(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    interrupt(fake, checkpoint)
    fake.trim(FIRST, 4)
    said = doctor(fail_on_data_loss=False)
    assert said.code == WORKS
    assert re.search(r"Warning: Batch 0 had read 6 .* \(source.fail_on_data_loss is false, so", said.out)
    assert "runs batch 0 again, with what is left of its change events, and goes on" in outlook(said.out)


def trim_all(fake: FakeKinesis) -> None:
    fake.trim(FIRST, 6)


def trim_all_but_what_came_since(fake: FakeKinesis) -> None:
    fake.put(FIRST, [b"since"])
    fake.trim(FIRST, 6)


def lose_the_shard(fake: FakeKinesis) -> None:
    fake.add_shard(1, (0,))
    fake.shards[FIRST].listed = False


@pytest.mark.parametrize("batches", [1, 2])
@pytest.mark.parametrize("lose", [trim_all, trim_all_but_what_came_since, lose_the_shard])
def test_a_batch_that_the_reader_cannot_read_again_is_foretold(
    fake: FakeKinesis,
    doctor: Doctor,
    checkpoint: Storage,
    lose: Callable[[FakeKinesis], None],
    batches: int,
) -> None:
    consumer = interrupt(fake, checkpoint, batches)
    lose(fake)
    said = doctor()
    assert said.code == FAILS
    assert "source.fail_on_data_loss=false" in outlook(said.out)
    assert "the same change events" not in said.out
    with pytest.raises((ReplayFailed, TrimmedPosition)):
        consumer.again(batches - 1)


def test_a_batch_that_ended_a_shard_which_has_left_the_stream_since_is_foretold(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    fake.put(FIRST, [b"a"])
    begin(checkpoint)
    fake.put(fake.add_shard(1, (0,)), [b"b"])
    consumer = Consumer(STREAM, {FIRST: "TRIM_HORIZON"}).drain()
    log_batch(checkpoint, 0, consumer.logged[1], done=False)
    assert doctor().code == WORKS
    fake.shards[FIRST].listed = False
    assert doctor().code == FAILS
    with pytest.raises(ReplayFailed):
        consumer.again(0)


def test_a_batch_that_began_at_an_instant_which_the_stream_no_longer_holds_is_foretold(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    fake.put(FIRST, [b"a"])
    start = at(now() - timedelta(hours=23))
    begin(checkpoint, start["at"])  # type: ignore[index]  # it is one by time
    consumer = Consumer(STREAM, {FIRST: start}).drain()
    log_batch(checkpoint, 0, consumer.logged[1], done=False)
    assert doctor().code == WORKS
    fake.retention_hours = 20
    assert doctor().code == FAILS
    with pytest.raises(TrimmedPosition):
        consumer.again(0)


def test_a_batch_that_cannot_be_read_in_time_is_a_doubt(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage, hurried: None
) -> None:
    interrupt(fake, checkpoint)
    fake.shards[FIRST].empty_pages = 10**9
    said = doctor()
    assert said.code == WORKS
    assert "Warning: in 2 seconds it wasn't found whether the stream still holds all of batch 0" in said.out
    assert outlook(said.out).startswith(
        "Next start: works, as far as can be told; runs batch 0 again and goes on"
    )


def test_a_batch_that_does_not_count_its_records_is_a_doubt(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    consumer = interrupt(fake, checkpoint)
    entry = checkpoint.get("offsets/0").replace(b'"#records": 6, ', b"")
    checkpoint.delete("offsets/0")
    checkpoint.put("offsets/0", entry)
    assert len(consumer.logged[1]) == 2
    said = doctor()
    assert "Warning: offsets/0 doesn't say how many change events batch 0 had read" in said.out
    assert "the same change events" not in said.out


def test_a_batch_that_is_archived_may_expire(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage, tmp_path: Path
) -> None:
    """The next start finds its delivery record and reads on after it: none of it is read again."""
    consumer = interrupt(fake, checkpoint, batches=2)
    fake.trim(FIRST, 5)
    assert doctor().code == FAILS
    deliver(checkpoint, tmp_path / "archive", ranges(*consumer.logged[1:3]))
    said = doctor()
    assert said.code == WORKS, said.out
    assert outlook(said.out) == "Next start: works; marks batch 1 as done and goes on\n"


def test_a_batch_that_is_archived_with_other_positions_is_foretold(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage, tmp_path: Path
) -> None:
    consumer = interrupt(fake, checkpoint, batches=2)
    deliver(checkpoint, tmp_path / "archive", ranges(*consumer.logged[0:2]))
    said = doctor()
    assert said.code == FAILS
    assert "names other positions in the stream than the checkpoint" in outlook(said.out)


def deliver(checkpoint: Storage, archive: Path, shards: dict[str, Any]) -> None:
    """Write the newest batch's delivery record, of a batch that read this of the shards."""
    batch, source = latest_batches(checkpoint)[0], {"stream": STREAM, "shards": shards}
    record = delivery_record(batch, version="1", source=source, read=0, written=[])
    write_delivery_record(open_storage(str(archive)), batch, record)
