"""A sparse shard answers with many empty pages: the doctor looks on, and says so where it finds nothing."""

import re

import pytest

from jobs.sinks.storage import Storage
from tests.doctor.conftest import Doctor, begin, log_batch, outlook
from tests.doctor.test_diagnosis import DAYS, FIRST, HOURS, WORKS, keep_evidence, position
from tests.sources.fake_kinesis import FakeKinesis

pytestmark = pytest.mark.usefixtures("quick")
hurried = pytest.mark.usefixtures("hurried")


def stand(fake: FakeKinesis, checkpoint: Storage, hours_behind: float) -> None:
    """A checkpoint after the first of two records, the second of which arrived so long ago."""
    begin(checkpoint)
    fake.put(FIRST, [b"read", b"unread"], age_seconds=hours_behind * HOURS)
    fake.lag_ms = int(hours_behind * HOURS * 1000)
    log_batch(checkpoint, 0, {FIRST: position(fake, 0)})


@pytest.mark.parametrize("pages", [60, 300])
def test_the_oldest_unread_record_is_found_behind_many_empty_pages(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage, pages: int
) -> None:
    stand(fake, checkpoint, 20.5)
    fake.shards[FIRST].empty_pages = pages
    said = doctor()
    assert said.code == WORKS
    assert fake.shards[FIRST].empty_pages == 0
    assert "20 hours behind, its oldest unread record is kept for 3 hours more" in said.out
    assert "Warning: the oldest unread records expire in 3 hours" in said.out


@hurried
def test_empty_pages_without_end_are_no_nothing(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    stand(fake, checkpoint, 20.5)
    fake.shards[FIRST].empty_pages = 10**9
    said = doctor()
    assert said.code == WORKS
    assert "nothing unread" not in said.out
    assert re.search("of unknown age; 20 hours behind, its oldest unread record was not found\n", said.out)
    told = (
        rf"Warning: {FIRST} gave empty answers alone for up to 2 seconds, its oldest unread record was not found. "
        r"It expires in 3 hours at the earliest: start the job before 20\S+Z, .*; nor is it known whether .* lost\n"
    )
    assert re.search(told, said.out)
    assert outlook(said.out).startswith(
        "Next start: works, as far as can be told; goes on with batch 1; 20 hours"
    )


@hurried
def test_what_the_checkpoint_knows_for_certain_is_not_doubted(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    stand(fake, checkpoint, 20.5)
    keep_evidence(checkpoint, {FIRST: (position(fake, 0), 20 * HOURS)})
    fake.shards[FIRST].empty_pages = 10**9
    said = doctor()
    assert "its oldest unread record was not found. It expires in 3 hours at the earliest" in said.out
    assert "nor is it known" not in said.out
    assert outlook(said.out).startswith("Next start: works; ")


@hurried
def test_all_shards_together_take_no_longer_than_one(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    begin(checkpoint)
    for number in range(1, 96):
        fake.add_shard(number)
    for shard in fake.shards:
        fake.put(shard, [b"read", b"unread"])
        fake.shards[shard].empty_pages = 10**9
    log_batch(checkpoint, 0, {shard: position(fake, 0, shard) for shard in fake.shards})
    first = fake.calls[-1][0]
    said = doctor()
    assert said.out.count("behind, its oldest unread record was not found") == len(fake.shards)
    assert fake.calls[-1][0] - first < 8, "16 at a time and each for 2 seconds would take 12"


def test_what_is_left_of_a_shard_that_lost_records_is_looked_at_too(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    begin(checkpoint)
    fake.put(FIRST, [b"read", b"lost"], age_seconds=2 * DAYS)
    fake.put(FIRST, [b"left"], age_seconds=22 * HOURS)
    fake.trim(FIRST, 2)
    log_batch(checkpoint, 0, {FIRST: position(fake, 0)})
    said = doctor(fail_on_data_loss=False)
    assert said.code == WORKS
    assert "records after it are lost or may be" in said.out
    assert "22 hours of the stream are to be read" in outlook(said.out)
    assert re.search(
        "Warning: the oldest unread records expire in (119 minutes|2 hours|1\\d\\d minutes)", said.out
    )
