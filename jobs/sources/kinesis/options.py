"""The options of the source, as Spark hands them over: text by case-insensitive names."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from jobs.sources.kinesis.errors import BadOption
from jobs.sources.kinesis.offsets import Offset, from_json

MAX_PAGE = 10_000


@dataclass(frozen=True)
class Limits:
    """How much to read at once, how fast, and how patiently.

    ``max_records`` and ``max_bytes`` bound a batch (by one record more at most), ``max_fetch_seconds`` the time that
    one read goes on while shards lag; ``calls_per_second`` bounds GetRecords per shard, ``threads`` the calls at a
    time, ``retry_attempts`` the failures in a row, ``max_empty_pages`` the pages of a replay without any record.
    """

    max_records: int = 200_000
    max_bytes: int = 128 * 1024 * 1024
    max_fetch_seconds: float = 10.0
    calls_per_second: int = 5
    threads: int = 16
    retry_attempts: int = 10
    max_empty_pages: int = 2_000


@dataclass(frozen=True)
class Options:
    """What `spark.readStream.format("kinesis").option(…)` takes; see ``docs/source.md``."""

    stream: str
    region: str | None
    initial_offset: Offset
    fail_on_data_loss: bool
    progress_file: str | None
    limits: Limits
    reader_id: str | None = None


_NUMBERS = {
    "maxrecordsperbatch": ("max_records", "maxRecordsPerBatch"),
    "maxbytesperbatch": ("max_bytes", "maxBytesPerBatch"),
    "maxfetchseconds": ("max_fetch_seconds", "maxFetchSeconds"),
    "getrecordspersecond": ("calls_per_second", "getRecordsPerSecond"),
    "threads": ("threads", "threads"),
    "retryattempts": ("retry_attempts", "retryAttempts"),
    "maxemptypages": ("max_empty_pages", "maxEmptyPages"),
}
_OTHERS = {"streamname", "region", "initialoffset", "failondataloss", "progressfile", "readerid"}


def parse(options: Mapping[str, str]) -> Options:
    """The options, checked. Raises BadOption naming the first that is unknown, missing or malformed."""
    given = {name.lower(): value for name, value in options.items()}
    if unknown := sorted(set(given) - _OTHERS - set(_NUMBERS)):
        raise BadOption(f"The Kinesis source has no option {unknown[0]}.")
    for name, spelled in (("streamname", "streamName"), ("initialoffset", "initialOffset")):
        if not given.get(name):
            raise BadOption(f"The Kinesis source needs option {spelled}.")
    return Options(
        stream=given["streamname"],
        region=given.get("region") or None,
        initial_offset=from_json(given["initialoffset"]),
        fail_on_data_loss=_flag(given.get("failondataloss", "true")),
        progress_file=given.get("progressfile") or None,
        limits=_limits(given),
        reader_id=given.get("readerid") or None,
    )


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise BadOption("Option failOnDataLoss of the Kinesis source is true or false.")
    return text.lower() == "true"


def _limits(given: Mapping[str, str]) -> Limits:
    kinds = {field.name: field.type for field in fields(Limits)}
    values: dict[str, float] = {}
    for name, (field, spelled) in _NUMBERS.items():
        if name in given:
            values[field] = _positive(given[name], spelled, whole=kinds[field] is int)
    return Limits(**values)  # type: ignore[arg-type]  # _positive gives an int where the field is one


def _positive(text: str, name: str, *, whole: bool) -> float:
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = 0
    if not value > 0:
        raise BadOption(f"Option {name} of the Kinesis source must be a number above 0, not {text!r}.")
    return value
