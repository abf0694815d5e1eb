"""Where a new checkpoint begins: resolved once and kept, and only for the stream it was resolved on."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.instants import iso
from jobs.sinks.storage import Storage, open_storage
from jobs.sources.kinesis import kinesis_client
from jobs.sources.kinesis.errors import BadStart, KinesisUnavailable, OtherStream, StreamMissing
from jobs.sources.kinesis.start import KEPT_START, load_or_keep_start, resolve_start
from tests.emulators import EmulatedKinesis
from tests.sources.fake_kinesis import CREATED, STREAM, FakeKinesis, Fault

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)


@pytest.fixture
def client(fake: FakeKinesis) -> Any:
    """The client of the driver, talking to the fake."""
    fake.clock_offset = (NOW - datetime.now(UTC)).total_seconds()
    fake.add_shard(1, (0,))
    return kinesis_client()


@pytest.fixture
def checkpoint(tmp_path: Path) -> Storage:
    """An empty checkpoint directory."""
    return open_storage(str(tmp_path / "checkpoint"))


BOTH = ["shardId-000000000000", "shardId-000000000001"]


def test_every_listed_shard_is_named_closed_ones_too(client: Any) -> None:
    assert list(resolve_start(client, STREAM, "LATEST", NOW)) == BOTH


@pytest.mark.parametrize(
    ("start", "position"),
    [
        ("LATEST", {"at": "2026-03-01T12:00:00.123Z"}),
        ("TRIM_HORIZON", "TRIM_HORIZON"),
        ("2026-03-01T11:00:00Z", {"at": "2026-03-01T11:00:00.000Z"}),
        ("2026-03-01T13:00:00.5+02:00", {"at": "2026-03-01T11:00:00.500Z"}),
        ("2026-03-01T11:00:00", {"at": "2026-03-01T11:00:00.000Z"}),
        ("2026-03-01", {"at": "2026-03-01T00:00:00.000Z"}),
    ],
)
def test_a_start_is_resolved_to_positions(client: Any, start: str, position: object) -> None:
    assert resolve_start(client, STREAM, start, NOW) == dict.fromkeys(BOTH, position)


def test_an_instant_before_the_retention_period_means_the_oldest_record(client: Any) -> None:
    assert set(resolve_start(client, STREAM, "2026-02-01", NOW).values()) == {"TRIM_HORIZON"}


def test_latest_goes_by_the_streams_clock_where_ours_is_ahead(client: Any, fake: FakeKinesis) -> None:
    fake.clock_offset -= 30
    position = resolve_start(client, STREAM, "LATEST", NOW)[BOTH[0]]
    assert isinstance(position, dict)
    assert "2026-03-01T11:59:29" <= position["at"] <= "2026-03-01T11:59:35"


@pytest.mark.parametrize(
    "start", ["latest", "", "12:30", "2026", "2026-02-30", "1772368496", "20260301", "now"]
)
def test_anything_else_is_no_start(client: Any, start: str) -> None:
    with pytest.raises(BadStart, match="must be LATEST, TRIM_HORIZON or an ISO-8601 instant"):
        resolve_start(client, STREAM, start, NOW)


def test_the_future_is_no_start(client: Any) -> None:
    with pytest.raises(BadStart, match="future"):
        resolve_start(client, STREAM, "2026-03-02", NOW)


def test_a_missing_stream_is_named(on_moto: EmulatedKinesis) -> None:
    with pytest.raises(StreamMissing, match="no Kinesis stream absent"):
        resolve_start(on_moto.client(), "absent", "LATEST", NOW)


def test_a_refusal_is_one_line(client: Any, fake: FakeKinesis) -> None:
    fake.faults.append(Fault("ListShards", "AccessDeniedException", 1))
    with pytest.raises(
        KinesisUnavailable,
        match=r"refused ListShards on stream fake \(AccessDeniedException\): the role needs",
    ):
        resolve_start(client, STREAM, "LATEST", NOW)


def test_a_kept_start_is_returned_ever_after(client: Any, checkpoint: Storage, fake: FakeKinesis) -> None:
    first = load_or_keep_start(checkpoint, client, STREAM, "LATEST", NOW)
    fake.add_shard(2, (1,))
    for start in ("LATEST", "TRIM_HORIZON", "2026-03-01"):
        assert load_or_keep_start(checkpoint, client, STREAM, start, NOW + timedelta(hours=5)) == first
    assert json.loads(first) == {shard: {"at": "2026-03-01T12:00:00.123Z"} for shard in BOTH}


def test_what_is_kept_names_stream_arn_and_creation(
    client: Any, checkpoint: Storage, fake: FakeKinesis
) -> None:
    load_or_keep_start(checkpoint, client, STREAM, "LATEST", NOW)
    kept = json.loads(checkpoint.get(KEPT_START))
    assert kept["stream"] == STREAM
    assert kept["arn"] == "arn:aws:kinesis:eu-west-1:123456789012:stream/fake"
    assert kept["created"] == iso(datetime.fromtimestamp(CREATED, UTC))


def test_the_start_that_was_kept_first_wins_a_race(
    client: Any, checkpoint: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_or_keep_start(checkpoint, client, STREAM, "LATEST", NOW)
    answers = iter([False])
    real = type(checkpoint).exists
    monkeypatch.setattr(
        type(checkpoint), "exists", lambda self, key: next(answers, None) is not False and real(self, key)
    )
    assert load_or_keep_start(checkpoint, client, STREAM, "TRIM_HORIZON", NOW) == first


def test_a_stream_created_anew_under_the_name_is_an_error(
    client: Any, checkpoint: Storage, fake: FakeKinesis
) -> None:
    load_or_keep_start(checkpoint, client, STREAM, "LATEST", NOW)
    fake.created = CREATED + 60
    told = r"created at 2023-11-14T22:14:20.000Z.*archive.checkpoint.*TRIM_HORIZON.*--from export"
    with pytest.raises(OtherStream, match=told):
        load_or_keep_start(checkpoint, client, STREAM, "LATEST", NOW)


def test_a_checkpoint_of_another_account_is_an_error(
    client: Any, checkpoint: Storage, fake: FakeKinesis
) -> None:
    load_or_keep_start(checkpoint, client, STREAM, "LATEST", NOW)
    fake.account = "999999999999"
    with pytest.raises(
        OtherStream, match="belongs to stream arn:aws:kinesis:eu-west-1:123456789012:stream/fake"
    ):
        load_or_keep_start(checkpoint, client, STREAM, "LATEST", NOW)


def test_a_checkpoint_of_another_stream_is_an_error(on_moto: EmulatedKinesis, checkpoint: Storage) -> None:
    one, other = on_moto.create_stream(1), on_moto.create_stream(1)
    moment = datetime.now(UTC)
    load_or_keep_start(checkpoint, on_moto.client(), one, "LATEST", moment)
    with pytest.raises(OtherStream, match=f"stream/{one}, not to .*stream/{other}"):
        load_or_keep_start(checkpoint, on_moto.client(), other, "LATEST", moment)


def test_a_checkpoint_that_another_source_began_is_an_error(
    client: Any, checkpoint: Storage, tmp_path: Path
) -> None:
    offsets = tmp_path / "checkpoint" / "offsets"
    offsets.mkdir(parents=True)
    (offsets / "0").write_text("v1\n{}\n{}")
    with pytest.raises(OtherStream, match="weren't begun by this source"):
        load_or_keep_start(checkpoint, client, STREAM, "LATEST", NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"7",
        b"{}",
        b'{"stream":"fake","arn":"a","created":"c","offset":7}',
        b'{"stream":"fake","arn":"a","created":"c","offset":{"shardId-0":{"at":"noon"}}}',
        b'{"stream":"fake","arn":"a","offset":{}}',
    ],
)
def test_a_damaged_kept_start_is_an_error(client: Any, checkpoint: Storage, body: bytes) -> None:
    checkpoint.put(KEPT_START, body)
    with pytest.raises(OtherStream, match="isn't what the job keeps there: restore it, or start with a new"):
        load_or_keep_start(checkpoint, client, STREAM, "LATEST", NOW)
