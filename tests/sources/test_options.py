"""The options of the source: what is unknown, missing or malformed is named."""

import pytest

from jobs.sources.kinesis import kinesis_client
from jobs.sources.kinesis.errors import BadOption, KinesisUnavailable
from jobs.sources.kinesis.options import Limits, parse

NEEDED = {"streamName": "changes", "initialOffset": '{"shardId-000000000000":"TRIM_HORIZON"}'}


def test_stream_and_start_are_enough() -> None:
    options = parse(NEEDED)
    assert options.stream == "changes"
    assert options.initial_offset == {"shardId-000000000000": "TRIM_HORIZON"}
    assert options.fail_on_data_loss
    assert options.limits == Limits()
    assert options.limits.calls_per_second == 5


def test_names_are_case_insensitive_as_spark_hands_them_over() -> None:
    given = {name.lower(): value for name, value in NEEDED.items()}
    options = parse({**given, "MAXRECORDSPERBATCH": "7", "failondataloss": "FALSE", "maxFetchSeconds": "0.5"})
    assert (options.limits.max_records, options.fail_on_data_loss) == (7, False)
    assert options.limits.max_fetch_seconds == 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"streamName": ""}, "needs option streamName"),
        ({"initialOffset": ""}, "needs option initialOffset"),
        ({"initialOffset": "LATEST"}, "isn't an offset"),
        ({"initialOffset": '{"s": "latest"}'}, "isn't an offset"),
        ({"initialOffset": '{"s": {"at": "yesterday"}}'}, "isn't an offset"),
        ({"initialOffset": "[]"}, "isn't an offset"),
        ({"maxRecordsPerBatch": "0"}, "maxRecordsPerBatch .* above 0, not '0'"),
        ({"maxBytesPerBatch": "1.5"}, "maxBytesPerBatch"),
        ({"threads": "many"}, "threads"),
        ({"maxFetchSeconds": "nan"}, "maxFetchSeconds"),
        ({"failOnDataLoss": "yes"}, "failOnDataLoss .* true or false"),
        ({"startingPosition": "LATEST"}, "no option startingposition"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, str], message: str) -> None:
    with pytest.raises(BadOption, match=message):
        parse({**NEEDED, **change})


def test_the_region_comes_from_the_option_or_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    assert kinesis_client().meta.region_name == "eu-central-1"
    assert kinesis_client("eu-north-1").meta.region_name == "eu-north-1"


def test_no_region_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(KinesisUnavailable, match=r"No AWS region: set source.region or AWS_REGION"):
        kinesis_client()
