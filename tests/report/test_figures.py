"""The report's figures are what the delivery records add up to."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.batch import Batch
from jobs.instants import from_iso
from jobs.report.charts import MESSAGES, OTHERS, charts, most_common
from jobs.report.figures import Figures, figures
from jobs.report.lags import LogUnreadable, read_lags
from jobs.report.over_time import POINTS, stretches
from jobs.sinks.deliveries import Dated, iter_dated_records
from jobs.sinks.records import DeliveryRecord
from jobs.sinks.storage import Storage, open_storage
from tests.report.archives import MISSING, ODD, damaged, make, stream_batch, written

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return open_storage(str(tmp_path / "archive"))


def taken(storage: Storage, since: str | None = None) -> Figures:
    return figures(iter_dated_records(storage, since))


def test_every_record_and_failure_counts_on_the_day_of_its_batch(storage: Storage) -> None:
    records = make(storage)
    found = taken(storage)
    for record in records:
        for one in record.deliveries:
            found.archived[record.timestamp[:10], one.type] -= one.count
        for error in record.errors:
            found.failed[record.timestamp[:10], error.message] -= error.count
    assert set(found.archived.values()) == set(found.failed.values()) == {0}
    assert found.days == ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"]


def test_a_partition_has_its_containers_records_and_bytes(storage: Storage) -> None:
    make(storage)
    sales = taken(storage).partitions["sale", "2026-02-01"]
    assert (sales.containers, sales.records, sales.bytes) == (21, 21, 20 * 800 + 900)


def test_what_was_redriven_is_no_longer_open(storage: Storage) -> None:
    make(storage)
    open_errors = {one.message: one for one in taken(storage).open_errors}
    missing = open_errors[MISSING]
    assert (missing.events, missing.objects) == (19, 10)
    assert (missing.oldest, missing.newest) == ("2026-03-01T12:03:00.000Z", "2026-03-03T12:17:00.000Z")
    assert open_errors[ODD].events == 10
    assert list(open_errors) == [MISSING, ODD]


def test_a_redrive_of_a_redriven_event_counts_once(storage: Storage) -> None:
    make(storage)
    record = written(storage, stream_batch(30, "2026-03-05T00:00:00.000Z"), errors={MISSING: 1})
    key = record.errors[0].storage["key"]
    for number in range(2):
        again = Batch("redrive", f"run-{number}", 0, "2026-03-06T00:00:00.000Z")
        written(storage, again, [("sale", "2026-02-01", 1, 9)], None, {"errors": {key: [0]}})
    assert {one.message: one.events for one in taken(storage).open_errors}[MISSING] == 19


def test_since_looks_at_later_batches_only(storage: Storage) -> None:
    make(storage)
    found = taken(storage, "2026-03-03")
    assert found.days == ["2026-03-03", "2026-03-04"]
    assert {day for day, _ in found.failed} == {"2026-03-03"}


def test_a_batch_takes_until_its_delivery_record_is_written_but_a_backfills_step_has_no_time_of_its_own(
    storage: Storage,
) -> None:
    record: DeliveryRecord = written(
        storage, stream_batch(0, "2026-03-01T00:00:00.000Z"), [("sale", "2026-03-01", 1, 1)]
    )
    for took, told in ((7.5, 7.5), (-1, 0)):
        dated = Dated("deliveries/0.json", from_iso(record.timestamp) + timedelta(seconds=took), record)
        assert figures([dated]).batches[0].seconds == told
    make(storage)
    assert {one.kind for one in taken(storage).batches if one.seconds is None} == {"backfill", "redrive"}


def test_a_delivery_record_that_cant_be_read_is_named_and_the_others_count(storage: Storage) -> None:
    make(storage)
    before = taken(storage)
    key = damaged(storage)
    found = taken(storage)
    assert found.unreadable == [key]
    assert (found.batches, found.archived, found.failed) == (before.batches, before.archived, before.failed)


def test_an_archive_of_nothing_has_no_charts(storage: Storage) -> None:
    assert charts(taken(storage), []) == {}


def test_the_rarest_messages_are_one_in_the_chart(storage: Storage) -> None:
    errors = {f"message {number:02d}": 20 - number for number in range(15)}
    written(storage, stream_batch(0, "2026-03-01T00:00:00.000Z"), errors=errors)
    found = most_common(taken(storage).failed)
    assert len(found) == MESSAGES + 1
    assert found["2026-03-01", OTHERS] == sum(sorted(errors.values())[:-MESSAGES])
    assert found.total() == sum(errors.values())


@pytest.mark.parametrize(
    "span", [timedelta(0), timedelta(minutes=3), timedelta(days=40), timedelta(days=4000)]
)
def test_a_chart_of_any_span_has_a_few_hundred_points(span: timedelta) -> None:
    points = [(AT + span * number / 5000, float(number)) for number in range(5000)]
    found = stretches(points)
    assert 1 <= len(found) <= POINTS
    assert sum(one.points for one in found) == 5000
    assert max(one.highest for one in found) == 4999
    assert all(one.median <= one.highest for one in found)


def test_the_lag_comes_from_the_jobs_log_whatever_else_is_in_there(tmp_path: Path) -> None:
    def line(time: str, lag: int | None) -> str:
        return json.dumps({"event": "batch", "batchTime": time, "lagMs": lag})

    log = tmp_path / "job.log"
    lines = [line("2026-03-02T00:00:00.000Z", 2500), "no json", "[]", '{"event": "stopped"}']
    lines += [line("2026-03-01T00:00:00.000Z", 0), line("2026-03-03T00:00:00.000Z", None), line("never", 1)]
    log.write_text("\n".join(lines))
    assert [one.seconds for one in read_lags([log, log], None)] == [0, 2.5]
    assert [one.seconds for one in read_lags([log], "2026-03-02")] == [2.5]
    with pytest.raises(LogUnreadable, match=r"none\.log: can't be read: No such file"):
        read_lags([tmp_path / "none.log"], None)
