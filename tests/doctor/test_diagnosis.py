"""The doctor says where a checkpoint stands and what the next start makes of it, and changes nothing."""

import json
import re
import time
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.batch import Batch
from jobs.checkpoint import latest_batches
from jobs.instants import iso, now
from jobs.sinks.deliveries import write_delivery_record
from jobs.sinks.names import delivery_record_key
from jobs.sinks.records import delivery_record
from jobs.sinks.storage import Storage, open_storage
from tests.doctor.conftest import Doctor, begin, log_batch, outlook
from tests.sources.fake_kinesis import STREAM, FakeKinesis, Fault

WORKS, FAILS, USAGE = 0, 1, 2
FIRST = "shardId-000000000000"
HOURS, DAYS = 3600, 86400


def position(fake: FakeKinesis, record: int = -1, shard: str = FIRST) -> str:
    """The sequence number of a record."""
    return str(fake.shards[shard].sequences[record])


def files(checkpoint: Storage) -> dict[str, bytes]:
    return {key: checkpoint.get(key) for key in checkpoint.list()}


def test_a_new_checkpoint_begins_at_the_start_that_conf_names(
    fake: FakeKinesis, doctor: Doctor, tmp_path: Path
) -> None:
    said = doctor()
    assert (said.code, said.err) == (WORKS, "")
    assert "No job has used this checkpoint yet." in said.out
    assert "begins at source.start, LATEST, of stream fake: what is in the stream by then" in outlook(
        said.out
    )
    assert [path.name for path in tmp_path.iterdir()] == ["conf.toml"], "the doctor makes nothing"


def test_a_checkpoint_at_the_tip_has_nothing_to_read(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    begin(checkpoint)
    fake.put(FIRST, [b"a", b"b"])
    log_batch(checkpoint, 0, {FIRST: position(fake, 0)})
    log_batch(checkpoint, 1, {FIRST: position(fake)})
    before = files(checkpoint)
    said = doctor()
    assert (said.code, said.err) == (WORKS, "")
    assert re.search(r"Last batch: 1, of 20\S+Z \(\d seconds ago\), done\n", said.out)
    assert f"Stream: {STREAM}, keeps records for 24 hours, 1 shard, read since TRIM_HORIZON (20" in said.out
    assert f"  {FIRST}: read to {position(fake)}, of unknown age; nothing unread\n" in said.out
    assert outlook(said.out) == "Next start: works; goes on with batch 2\n"
    assert files(checkpoint) == before


def test_how_far_behind_and_how_long_the_unread_is_kept_are_told(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    begin(checkpoint)
    fake.put(FIRST, [b"read"], age_seconds=4 * HOURS)
    fake.put(FIRST, [b"unread"], age_seconds=3.5 * HOURS)
    fake.put(FIRST, [b"unread too"])
    log_batch(checkpoint, 0, {FIRST: position(fake, 0)})
    said = doctor()
    assert said.code == WORKS
    assert "3 hours behind, its oldest unread record is kept for 20 hours more\n" in said.out
    assert outlook(said.out).endswith("goes on with batch 1; 3 hours of the stream are to be read\n")
    assert "Warning" not in said.out


def test_records_about_to_expire_are_warned_of(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    begin(checkpoint)
    fake.put(FIRST, [b"read", b"unread"], age_seconds=20.5 * HOURS)
    log_batch(checkpoint, 0, {FIRST: position(fake, 0)})
    said = doctor()
    assert said.code == WORKS
    assert "Warning: the oldest unread records expire in 3 hours: start the job before 20" in said.out


def test_weeks_off_are_fine_while_the_stream_keeps_what_came(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    fake.retention_hours = 60 * 24
    begin(checkpoint)
    fake.put(FIRST, [b"read"], age_seconds=21 * DAYS)
    fake.put(FIRST, [b"unread"], age_seconds=20.5 * DAYS)
    log_batch(checkpoint, 0, {FIRST: position(fake, 0)}, days_ago=21)
    said = doctor()
    assert said.code == WORKS
    assert "(21 days ago), done" in said.out
    assert "keeps records for 60 days" in said.out
    assert "20 days behind, its oldest unread record is kept for 39 days more" in said.out
    assert "20 days of the stream are to be read" in outlook(said.out)


def keep_evidence(checkpoint: Storage, shards: dict[str, tuple[str, float]]) -> None:
    """What the job keeps of each shard: a position, and how many seconds ago nothing after it was in the shard."""
    known = {
        shard: {"lagMs": 0, "ended": False, "known": [[at, iso(now() - timedelta(seconds=age))]]}
        for shard, (at, age) in shards.items()
    }
    checkpoint.put("kinesis/progress.json", json.dumps({"shards": known}).encode())


def lose_records(fake: FakeKinesis, checkpoint: Storage) -> None:
    """Weeks off, and retention has passed."""
    begin(checkpoint)
    fake.put(FIRST, [b"read", b"lost"], age_seconds=21 * DAYS)
    fake.put(FIRST, [b"left"])
    fake.trim(FIRST, 2)
    log_batch(checkpoint, 7, {FIRST: position(fake, 0)}, days_ago=21)
    keep_evidence(checkpoint, {FIRST: (position(fake, 0), 21 * DAYS)})


def test_records_that_expired_unread_stop_the_next_start_and_what_to_do_is_told(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    lose_records(fake, checkpoint)
    said = doctor()
    assert said.code == FAILS
    assert (
        f"  {FIRST}: read to {position(fake, 0)}, 21 days old; records after it are lost or may be\n"
        in said.out
    )
    told = outlook(said.out)
    assert told.startswith(f"Next start: fails\n  Shard {FIRST} of stream fake: records after position ")
    assert (
        "What to do: to go on with what is left, start once with --set source.fail_on_data_loss=false" in told
    )
    assert "--rewind" in told


def test_where_conf_lets_records_be_lost_the_next_start_works_with_a_warning(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    lose_records(fake, checkpoint)
    said = doctor(fail_on_data_loss=False)
    assert said.code == WORKS
    assert re.search("Warning: Shard .* may be lost.*source.fail_on_data_loss is false", said.out)


def test_an_idle_shard_whose_last_record_is_gone_is_fine_where_evidence_says_so(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    begin(checkpoint)
    fake.put(FIRST, [b"read"], age_seconds=2 * DAYS)
    fake.trim(FIRST, 1)
    at = position(fake)
    log_batch(checkpoint, 0, {FIRST: at}, days_ago=2)
    assert doctor().code == FAILS
    keep_evidence(checkpoint, {FIRST: (at, HOURS)})
    said = doctor()
    assert said.code == WORKS, said.out
    assert f"  {FIRST}: read to {at}, 60 minutes old; nothing unread\n" in said.out


def test_the_age_of_every_shards_position_is_told_where_it_is_known(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    """A batch's age says nothing of a shard: what is known of each is when all of it had been read last."""
    second, third = fake.add_shard(1), fake.add_shard(2)
    begin(checkpoint)
    for shard in fake.shards:
        fake.put(shard, [b"read", b"unread"], age_seconds=3 * HOURS)
    ends = {shard: position(fake, 0, shard) for shard in (FIRST, second)}
    log_batch(checkpoint, 0, {**ends, third: {"at": "2026-01-01T00:00:00.000Z"}})
    ages = {FIRST: 3.5 * HOURS, second: 50}
    keep_evidence(checkpoint, {shard: (ends[shard], age) for shard, age in ages.items()})
    said = doctor()
    assert f"  {FIRST}: read to {ends[FIRST]}, 3 hours old; 3 hours behind" in said.out
    assert re.search(rf"  {second}: read to {ends[second]}, 5\d seconds old; ", said.out)
    assert f"  {third}: not read yet, begins at 2026-01-01T00:00:00.000Z; " in said.out


def test_a_shard_that_left_the_stream_unread_stops_the_next_start(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    begin(checkpoint)
    fake.put(FIRST, [b"a", b"b"])
    log_batch(checkpoint, 0, {FIRST: position(fake, 0)})
    fake.add_shard(1, (0,))
    fake.shards[FIRST].listed = False
    said = doctor()
    assert said.code == FAILS
    assert f"Shard {FIRST} has left the stream before it was read to its end" in outlook(said.out)


def test_what_waits_in_a_new_shard_counts_as_unread(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    """The old shard holds nothing unread, but isn't read to its end; all that came since is in its child."""
    begin(checkpoint)
    fake.put(FIRST, [b"read", b"unread"], age_seconds=21 * HOURS)
    child = fake.add_shard(1, (0,))
    fake.put(child, [b"unread"], age_seconds=20 * HOURS)
    log_batch(checkpoint, 0, {FIRST: position(fake)})
    said = doctor()
    assert said.code == WORKS
    assert (
        f"  {child}: waits for its parent shards to be read; 20 hours behind, its oldest unread" in said.out
    )
    assert "; 20 hours of the stream are to be read" in outlook(said.out)
    assert (
        "Warning: the oldest unread records expire in 3 hours" in said.out or "expire in 4 hours" in said.out
    )


def test_shards_after_a_reshard_are_told_apart(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    begin(checkpoint)
    fake.put(FIRST, [b"a"])
    fake.add_shard(1)
    child, grandchild = fake.add_shard(2, (0,)), fake.add_shard(3, (1,))
    log_batch(checkpoint, 0, {FIRST: "SHARD_END", "shardId-000000000001": {"at": "2026-11-01T00:00:00.000Z"}})
    said = doctor()
    assert f"  {FIRST}: read to its end\n" in said.out
    assert f"  {child}: not read yet, begins at TRIM_HORIZON; nothing unread\n" in said.out
    assert f"  {grandchild}: waits for its parent shards to be read; nothing unread\n" in said.out


def test_a_batch_that_was_not_finished_is_run_again(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    begin(checkpoint)
    fake.put(FIRST, [b"a", b"b"])
    log_batch(checkpoint, 0, {FIRST: position(fake, 0)})
    log_batch(checkpoint, 1, {"#records": 2, FIRST: position(fake)}, done=False)
    said = doctor()
    assert said.code == WORKS
    assert "begun, but not finished" in said.out
    assert f"  {FIRST}: read to {position(fake, 0)}," in said.out
    assert "runs batch 1 again, with the same change events" in outlook(said.out)


def test_a_batch_that_was_not_finished_can_be_the_first(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    begin(checkpoint)
    fake.put(FIRST, [b"a"])
    log_batch(checkpoint, 0, {FIRST: position(fake)}, done=False)
    said = doctor()
    assert said.code == WORKS
    assert f"  {FIRST}: not read yet, begins at TRIM_HORIZON; " in said.out


def test_a_batch_that_only_lacks_its_mark_is_told_apart(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage, tmp_path: Path
) -> None:
    begin(checkpoint)
    fake.put(FIRST, [b"a"])
    log_batch(checkpoint, 0, {FIRST: position(fake)}, done=False)
    milliseconds = json.loads(checkpoint.get("offsets/0").splitlines()[1])["batchTimestampMs"]
    timestamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(milliseconds / 1000))
    batch = Batch("stream", "a-query", 0, f"{timestamp}.{milliseconds % 1000:03d}Z")
    archive = open_storage(str(tmp_path / "archive"))
    source = {"stream": STREAM, "shards": {FIRST: {"after": "TRIM_HORIZON", "to": position(fake)}}}
    record = delivery_record(batch, version="1", source=source, read=0, written=[])
    write_delivery_record(archive, batch, record)
    said = doctor()
    assert said.code == WORKS
    assert "archived, but not yet marked as done" in said.out
    assert "marks batch 0 as done and goes on" in outlook(said.out)


def test_a_stream_that_is_not_there_is_told(fake: FakeKinesis, doctor: Doctor) -> None:
    said = doctor(stream="another")
    assert said.code == FAILS
    assert "There is no Kinesis stream another in this account and region" in outlook(said.out)


def test_a_stream_that_was_made_anew_is_told(fake: FakeKinesis, doctor: Doctor, checkpoint: Storage) -> None:
    begin(checkpoint)
    fake.put(FIRST, [b"a"])
    log_batch(checkpoint, 4, {FIRST: position(fake)})
    keep_evidence(checkpoint, {FIRST: (position(fake), 2 * DAYS)})
    fake.created += 3600
    said = doctor()
    assert said.code == FAILS
    assert "Last batch: 4, " in said.out
    assert f"  {FIRST}: read to {position(fake)}, 2 days old\n" in said.out
    told = outlook(said.out)
    assert "but the checkpoint belongs to the stream of that name created at" in told
    assert (
        'Give the new stream a new checkpoint (archive.checkpoint), with source.start = "TRIM_HORIZON"'
        in told
    )
    assert "unread in the old stream comes back only by python -m jobs.backfill --from export" in told


def test_a_stream_of_another_account_is_told(fake: FakeKinesis, doctor: Doctor, checkpoint: Storage) -> None:
    begin(checkpoint)
    fake.account = "999999999999"
    assert "The checkpoint belongs to stream arn:aws:kinesis:" in outlook(doctor().out)


def test_a_kinesis_that_does_not_answer_is_told(
    fake: FakeKinesis, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_KINESIS", "http://127.0.0.1:9")
    said = doctor()
    assert said.code == FAILS
    assert "Kinesis doesn't answer about stream fake" in outlook(said.out)


def test_a_checkpoint_of_another_archive_is_told(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    checkpoint.put("archive.json", b'{"uri":"s3://another/archive"}')
    said = doctor()
    assert said.code == FAILS
    assert "belongs to the archive s3://another/archive: set archive.uri to that" in outlook(said.out)


@pytest.mark.parametrize(
    ("key", "body"),
    [
        *((key, b"[]") for key in ("kinesis/start.json", "kinesis/progress.json", "archive.json")),
        ("kinesis/start.json", b"{}"),
        ("kinesis/progress.json", b'{"shards":{"a":{}}}'),
        ("archive.json", b'{"x":1}'),
    ],
)
def test_a_file_that_is_not_the_jobs_is_told(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage, key: str, body: bytes
) -> None:
    checkpoint.put(key, body)
    said = doctor()
    assert said.code == FAILS
    assert f"{key} in the checkpoint {checkpoint.uri} isn't what the job keeps there" in outlook(said.out)


@pytest.mark.parametrize("body", [b"", b'v1\n{"nextBatch', b"\0" * 29])
def test_a_mark_that_spark_cannot_read_is_told(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage, body: bytes
) -> None:
    begin(checkpoint)
    fake.put(FIRST, [b"a"])
    log_batch(checkpoint, 0, {FIRST: position(fake)})
    assert doctor().code == WORKS
    checkpoint.delete("commits/0")
    checkpoint.put("commits/0", body)
    said = doctor()
    assert said.code == FAILS
    assert f"commits/0 in the checkpoint {checkpoint.uri} isn't what Spark keeps there: delete it" in outlook(
        said.out
    )


@pytest.mark.parametrize("logged", [True, False])
def test_metadata_that_spark_cannot_read_is_told(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage, logged: bool
) -> None:
    begin(checkpoint)
    if logged:
        log_batch(checkpoint, 0, {FIRST: "TRIM_HORIZON"})
    checkpoint.delete("metadata")
    checkpoint.put("metadata", b"")
    said = doctor()
    assert said.code == FAILS
    assert "has no readable metadata: restore it" in outlook(said.out)


def test_a_batch_whose_predecessor_is_gone_cannot_be_run_again(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    begin(checkpoint)
    log_batch(checkpoint, 3, {FIRST: "1"})
    log_batch(checkpoint, 5, {FIRST: "2"}, done=False)
    said = doctor()
    assert said.code == FAILS
    assert "has no readable offsets/4: restore it" in outlook(said.out)


@pytest.mark.parametrize("of_batch", [1, 0])
def test_a_delivery_record_that_a_start_cannot_read_is_told(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage, tmp_path: Path, of_batch: int
) -> None:
    begin(checkpoint)
    log_batch(checkpoint, 0, {FIRST: "TRIM_HORIZON"})
    log_batch(checkpoint, 1, {FIRST: "TRIM_HORIZON"})
    archive, key = (
        open_storage(str(tmp_path / "archive")),
        delivery_record_key(latest_batches(checkpoint)[1 - of_batch]),
    )
    archive.put(key, b"{}")
    said = doctor()
    assert said.code == FAILS
    assert key in outlook(said.out)


def test_a_checkpoint_that_another_source_began_is_told(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    checkpoint.put("metadata", b'{"id":"a-query"}')
    log_batch(checkpoint, 0, {})
    said = doctor()
    assert said.code == FAILS
    assert "The checkpoint holds batches but no kinesis/start.json" in outlook(said.out)
    assert doctor(format="aws-kinesis").code == WORKS


def test_a_checkpoint_of_ours_is_none_for_the_connector(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    begin(checkpoint)
    said = doctor(format="aws-kinesis")
    assert said.code == FAILS
    assert "the checkpoint was begun with source.format kinesis" in outlook(said.out)


def test_throttling_passes(fake: FakeKinesis, doctor: Doctor, checkpoint: Storage) -> None:
    begin(checkpoint)
    fake.put(FIRST, [b"a"])
    log_batch(checkpoint, 0, {FIRST: position(fake)})
    fake.faults.append(Fault("GetRecords", "ProvisionedThroughputExceededException", 2))
    said = doctor()
    assert said.code == WORKS, said.out
    assert fake.faults[0].times == 0


def test_a_wrong_conf_is_a_usage_error(fake: FakeKinesis, doctor: Doctor) -> None:
    said = doctor(strem="x")
    assert (said.code, said.out) == (USAGE, "")
    assert "source.strem: there is no such key" in said.err
