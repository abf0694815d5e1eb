"""`--rewind` makes a checkpoint that reads again from an instant, and leaves the old one as it is."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobs.instants import iso
from jobs.sinks.storage import Storage, open_storage
from tests.doctor.conftest import Doctor, begin, log_batch
from tests.sources.fake_kinesis import FakeKinesis

DONE, FAILED, USAGE = 0, 1, 2
FIRST = "shardId-000000000000"


def an_hour_ago() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600))


def rewound(tmp_path: Path, to: str) -> Storage:
    return open_storage(str(tmp_path / f"checkpoint-from-{to.replace(':', '-').replace('Z', '.000Z')}"))


def test_the_new_checkpoint_begins_at_the_instant_and_the_old_one_stays(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage, tmp_path: Path
) -> None:
    begin(checkpoint)
    fake.put(FIRST, [b"a"])
    log_batch(checkpoint, 0, {FIRST: str(fake.shards[FIRST].sequences[-1])})
    before = {key: checkpoint.get(key) for key in checkpoint.list()}
    to = an_hour_ago()
    said = doctor("--rewind", to)
    assert (said.code, said.err) == (DONE, "")
    new = rewound(tmp_path, to)
    start = json.loads(new.get("kinesis/start.json"))
    assert start["offset"] == {FIRST: {"at": to.replace("Z", ".000Z")}}
    assert json.loads(new.get("archive.json"))["uri"] == open_storage(str(tmp_path / "archive")).uri
    assert {key: checkpoint.get(key) for key in checkpoint.list()} == before
    assert f'set archive.checkpoint = "{tmp_path}/checkpoint-from-' in said.out
    assert "Warning: what is archived already and is read again will be in the archive twice" in said.out
    assert (
        "python -m jobs.backfill --from kinesis archives these from the stream and nothing twice" in said.out
    )
    assert "passes over" not in said.out


def test_what_the_old_checkpoint_has_not_read_of_the_time_before_is_told(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    """One shard was read to a later record than the instant, one not."""
    second = fake.add_shard(1)
    begin(checkpoint)
    fake.put(FIRST, [b"read"], age_seconds=1800)
    fake.put(second, [b"read", b"unread"], age_seconds=7200)
    log_batch(
        checkpoint,
        0,
        {FIRST: str(fake.shards[FIRST].sequences[-1]), second: str(fake.shards[second].sequences[0])},
    )
    to = an_hour_ago()
    said = doctor("--rewind", to)
    assert said.code == DONE
    since = iso(datetime.fromtimestamp(fake.shards[second].arrivals[1] - 1, UTC))
    told = f"Warning: in 1 shard {checkpoint.uri[7:]} has not read all records from before {to.replace('Z', '.000Z')}"
    assert told in said.out
    assert f"--from kinesis --since {since[:-4]}" in said.out
    assert f" --until {to.replace('Z', '.000Z')}\n" in said.out


def test_a_batch_that_was_not_finished_counts_as_unread(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    begin(checkpoint)
    fake.put(FIRST, [b"begun"], age_seconds=7200)
    log_batch(checkpoint, 0, {FIRST: str(fake.shards[FIRST].sequences[-1])}, done=False)
    assert " has not read all records from before" in doctor("--rewind", an_hour_ago()).out


def test_what_may_be_unread_is_told_where_it_was_not_found(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage, hurried: None
) -> None:
    begin(checkpoint)
    fake.put(FIRST, [b"read", b"unread"], age_seconds=7200)
    fake.lag_ms = 7_200_000
    fake.shards[FIRST].empty_pages = 10**9
    log_batch(checkpoint, 0, {FIRST: str(fake.shards[FIRST].sequences[0])})
    assert " may not have read all records from before" in doctor("--rewind", an_hour_ago()).out


def test_a_checkpoint_that_cannot_be_made_out_does_not_stop_the_rewind(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage
) -> None:
    begin(checkpoint)
    checkpoint.put("offsets/0", b"")
    said = doctor("--rewind", an_hour_ago())
    assert said.code == DONE
    assert "New checkpoint: " in said.out
    assert "is not known, and the new checkpoint passes over it: the checkpoint" in said.out


def test_the_doctor_finds_the_new_checkpoint_fit(
    fake: FakeKinesis, doctor: Doctor, checkpoint: Storage, tmp_path: Path
) -> None:
    to = an_hour_ago()
    fake.put(FIRST, [b"a"], age_seconds=1800)
    doctor("--rewind", to)
    uri = rewound(tmp_path, to).uri.removeprefix("file://")
    said = doctor("--set", f"archive.checkpoint={uri}")
    assert said.code == DONE
    assert "begins with batch 0; 30 minutes of the stream are to be read" in said.out


def test_rewinding_twice_to_the_same_instant_gives_the_same_checkpoint(
    fake: FakeKinesis, doctor: Doctor, tmp_path: Path
) -> None:
    to = an_hour_ago()
    doctor("--rewind", to)
    kept = rewound(tmp_path, to).get("kinesis/start.json")
    assert doctor("--rewind", to).code == DONE
    assert rewound(tmp_path, to).get("kinesis/start.json") == kept


def test_a_rewound_checkpoint_that_was_used_is_not_handed_out_again(
    fake: FakeKinesis, doctor: Doctor, tmp_path: Path
) -> None:
    to = an_hour_ago()
    doctor("--rewind", to)
    new = rewound(tmp_path, to)
    new.put("metadata", b'{"id":"b"}')
    log_batch(new, 0, {FIRST: "1"})
    said = doctor("--rewind", to)
    assert said.code == FAILED
    assert "is there already and was used up to batch 0" in said.err


def test_what_the_stream_no_longer_holds_is_told(fake: FakeKinesis, doctor: Doctor) -> None:
    said = doctor("--rewind", "2020-01-01")
    assert said.code == DONE
    assert "reads all that stream fake still holds, which begins after 2020-01-01T00:00:00.000Z" in said.out


def test_the_future_is_refused(fake: FakeKinesis, doctor: Doctor, tmp_path: Path) -> None:
    said = doctor("--rewind", "2999-01-01T00:00:00Z")
    assert (said.code, said.out) == (FAILED, "")
    assert (
        said.err == "doctor: --rewind 2999-01-01T00:00:00Z lies in the future: give an instant that is past\n"
    )
    assert list(tmp_path.glob("checkpoint*/*")) == []


def test_the_connector_has_no_rewind(fake: FakeKinesis, doctor: Doctor) -> None:
    said = doctor("--rewind", "2020-01-01", format="aws-kinesis")
    assert (said.code, said.out) == (USAGE, "")


@pytest.mark.parametrize("to", ["yesterday", "LATEST", ""])
def test_an_instant_that_is_none_is_a_wrong_command_line(doctor: Doctor, to: str) -> None:
    with pytest.raises(SystemExit, match=str(USAGE)):
        doctor("--rewind", to)
