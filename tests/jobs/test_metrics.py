"""Every batch's figures as CloudWatch metrics: lines as the embedded metric format has them, whose figures are the log's."""

import json
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog

import jobs.archive_batch
import jobs.metrics
from jobs.archive_batch import summary
from jobs.metrics import BY_TYPE, METRICS, PHASES, Metrics, open_metrics
from jobs.settings import load_settings
from jobs.sinks.records import ArchiveDelivery, ArchiveErrorObject, Counts, DeliveryRecord
from jobs.sinks.storage import Location

Tell = Callable[..., list[dict[str, Any]]]
PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
PLACE = Location(type="s3", bucket="a-bucket", key="data/x.avro")
RECORD = DeliveryRecord(
    kind="stream",
    query_id="a-query",
    batch_id=7,
    timestamp="2026-03-01T12:34:56.789Z",
    version="1",
    source={},
    counts=Counts(read=16, archived=12, failed=4),
    deliveries=(
        ArchiveDelivery("demand", "2026-03-01", 7, 700, "00", PLACE),
        ArchiveDelivery("demand", "2026-03-02", 3, 300, "00", PLACE),
        ArchiveDelivery("sale", "2026-03-01", 2, 200, "00", PLACE),
    ),
    errors=(
        ArchiveErrorObject("demand: fanId is missing (BR-003)", 1, 50, "00", PLACE),
        ArchiveErrorObject("the payload is empty", 3, 60, "00", PLACE),
    ),
    pending_partitions=(("demand", "2026-03-02"),),
)
SECONDS = {"lookup": 0.01, "write": 1.5, "catalog": 0.2, "record": 0.04}


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch) -> Tell:
    """Tells a batch's metrics and returns the log lines that it made."""
    out = StringIO()
    log = structlog.wrap_logger(structlog.PrintLogger(out), processors=[structlog.processors.JSONRenderer()])
    monkeypatch.setattr(jobs.metrics, "log", log)

    def told(*, lag_ms: int | None = 1500, replayed: bool = False) -> list[dict[str, Any]]:
        out.truncate(out.seek(0))
        Metrics("DmdPipeline", "changes").tell(RECORD, summary(RECORD), SECONDS, lag_ms, replayed=replayed)
        return [json.loads(line) for line in out.getvalue().splitlines()]

    return told


def values(line: dict[str, Any]) -> dict[str, float]:
    """The metrics of a line, by name, after a look at its form."""
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "DmdPipeline"
    assert isinstance(line["_aws"]["Timestamp"], int)
    (dimensions,) = directive["Dimensions"]
    assert all(isinstance(line[name], str) for name in dimensions)
    found = {}
    for metric in directive["Metrics"]:
        assert metric["Unit"] == METRICS[metric["Name"]]
        (found[metric["Name"]],) = line[metric["Name"]]
    return found


def test_a_batch_is_one_line_with_all_its_figures(tell: Tell) -> None:
    whole, *_ = tell()
    assert (whole["event"], whole["Stream"]) == ("metrics", "changes")
    assert whole["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Stream"]]
    assert values(whole) == {
        "RecordsRead": 16,
        "RecordsArchived": 12,
        "RecordsFailed": 4,
        "Containers": 3,
        "ErrorObjects": 2,
        "Bytes": 1310,
        "PendingPartitions": 1,
        "LagMilliseconds": 1500,
        "BatchSeconds": 1.75,
        "LookupSeconds": 0.01,
        "WriteSeconds": 1.5,
        "CatalogSeconds": 0.2,
        "RecordSeconds": 0.04,
    }


def test_each_type_in_a_batch_is_one_line_more(tell: Tell) -> None:
    _, *by_type = tell()
    assert {line["Type"]: values(line) for line in by_type} == {
        "demand": {"RecordsArchived": 10, "RecordsFailed": 1},
        "sale": {"RecordsArchived": 2, "RecordsFailed": 0},
        "unknown": {"RecordsArchived": 0, "RecordsFailed": 3},
    }
    for line in by_type:
        assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Stream", "Type"]]


def test_a_lag_that_is_not_known_is_no_metric(tell: Tell) -> None:
    assert "LagMilliseconds" not in values(tell(lag_ms=None)[0])
    assert values(tell(lag_ms=0)[0])["LagMilliseconds"] == 0


def test_a_batch_that_was_archived_before_is_not_counted_again(tell: Tell) -> None:
    (line,) = tell(replayed=True)
    durations = {"BatchSeconds", "LookupSeconds", "WriteSeconds", "CatalogSeconds", "RecordSeconds"}
    assert set(values(line)) == {"LagMilliseconds", "PendingPartitions", *durations}


def test_conf_switches_metrics_on_and_names_their_namespace(tmp_path: Path) -> None:
    conf = tmp_path / "archive.toml"
    conf.write_text('[source]\nstream = "changes"\n[archive]\nuri = "a"\ncheckpoint = "c"\n')
    assert open_metrics(load_settings(conf)) is None
    assert open_metrics(load_settings(conf, ["metrics.enabled=true"])) == Metrics("DmdPipeline", "changes")
    named = ["metrics.enabled=true", "metrics.namespace=Team/Archive"]
    assert open_metrics(load_settings(conf, named)) == Metrics("Team/Archive", "changes")


def test_every_phase_of_a_batch_is_a_metric() -> None:
    code = Path(jobs.archive_batch.__file__).read_text(encoding="utf-8")
    assert set(PHASES) == set(re.findall(r'phases\.timed\("(\w+)"\)', code))


def test_the_page_lists_every_metric_with_its_unit() -> None:
    rows = re.findall(r"^\| (`[A-Z]\w+`(?:, `\w+`)*) \| (\w+) \| (.+?) \|", PAGE, re.MULTILINE)
    listed = {name: unit for names, unit, _ in rows for name in re.findall(r"`(\w+)`", names)}
    assert listed == METRICS
    by_type = {name for names, _, of in rows if "Type" in of for name in re.findall(r"`(\w+)`", names)}
    assert by_type == set(BY_TYPE.values())
