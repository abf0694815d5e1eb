"""The job and the oracle, which share no code, must make the same of every payload.

Some of 20,000 payloads come from a fresh seed, which the run says at its beginning (tests/seeds.py) and the test where it fails;
`ORACLE_SEED=7 make test ARGS=tests/oracle` repeats a seed, and `ORACLE_EVENTS=100000` asks for more.
"""

import base64
import io
import json
import math
import os
from pathlib import Path
from typing import Any

import fastavro
import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

import schemas
from jobs.demo.generator import DEMO, events
from tests.jobs.one_batch import archive_one_batch
from tests.oracle import Archived, Failed, judge
from tests.oracle.messages import message
from tests.oracle.strategies import payloads, sample
from transforms.add_system import SystemUserIdPattern
from transforms.outcomes import outcomes

BATCH_TIME = "2026-03-01T12:34:56.789Z"
COUNT = int(os.environ.get("ORACLE_EVENTS", "20000"))
FIXED = (1, 2, 3)
FRESH = int(os.environ["ORACLE_SEED"])
DRAWN = 0.15
MIX = DEMO._replace(odd=0.1)
ADDED: list[dict[str, Any]] = [
    {"name": "aLong", "type": ["null", "long"], "default": None},
    {"name": "anInt", "type": ["null", "int"], "default": None},
    {"name": "aDouble", "type": ["null", "double"], "default": None},
    {"name": "someBytes", "type": ["null", "bytes"], "default": None},
    {"name": "aFlag", "type": ["null", "boolean"], "default": None},
    {"name": "words", "type": ["null", {"type": "array", "items": "string"}], "default": None},
    {"name": "numbers", "type": ["null", {"type": "array", "items": "long"}], "default": None},
    {"name": "byName", "type": ["null", {"type": "map", "values": "string"}], "default": None},
    {
        "name": "price",
        "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}],
        "default": None,
    },
]


@pytest.fixture(scope="module")
def richer_schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The schemas with an optional attribute of every Avro type added."""
    directory = tmp_path_factory.mktemp("schemas")
    for type_ in schemas.RECORD_TYPES:
        schema = json.loads((Path(schemas.__file__).parent / f"{type_}.avsc").read_text())
        schema["fields"][-1:-1] = ADDED
        (directory / f"{type_}.avsc").write_text(json.dumps(schema))
    return directory


@pytest.fixture(scope="module")
def cases() -> list[bytes]:
    cases = [data for seed in (*FIXED, FRESH) for data in _cases(seed, math.ceil(COUNT / (len(FIXED) + 1)))]
    assert len(cases) >= COUNT
    return cases


def test_the_archive_holds_what_the_oracle_makes_of_each_once_in_its_place_and_order(
    spark: SparkSession, cases: list[bytes], tmp_path: Path
) -> None:
    try:
        archive_one_batch(spark, cases, tmp_path)
    except AssertionError:
        differences = _differences(spark, cases, Path(schemas.__file__).parent)
        pytest.fail("\n\n".join([f"ORACLE_SEED={FRESH} repeats it", *differences]))


def _cases(seed: int, count: int) -> list[bytes]:
    """So many payloads: most of them made as the demo's, with many odd and broken ones, the rest drawn by Hypothesis."""
    drawn = sample(payloads, int(count * DRAWN), seed)
    return drawn + [change.data for change in events(seed, count - len(drawn), bad_share=0.2, mix=MIX)]


def test_the_job_agrees_with_the_oracle_on_attributes_of_every_avro_type(
    spark: SparkSession, richer_schemas: Path
) -> None:
    cases = sample(payloads, 750, FIXED[0], richer_schemas)
    differences = _differences(spark, cases, richer_schemas)
    assert not differences, "\n\n".join(differences)


def _differences(spark: SparkSession, cases: list[bytes], directory: Path) -> list[str]:
    """How the job's outcomes differ from the oracle's, the shortest payload of each kind of difference."""
    shortest: dict[str, tuple[int, str]] = {}
    found = _outcomes(spark, cases, directory)
    for number, data in enumerate(cases):
        difference = _difference(
            judge(data, str(number), BATCH_TIME, schemas=directory), found[number], data, directory
        )
        if difference:
            kind, detail = difference
            text = f"{kind}: {detail} for {data!r}"
            shortest[kind] = min(shortest.get(kind, (len(data), text)), (len(data), text))
    return [text for _, text in sorted(shortest.values())]


def _outcomes(spark: SparkSession, cases: list[bytes], directory: Path) -> dict[int, Row]:
    rows = [(bytearray(data), "shard-0", str(number)) for number, data in enumerate(cases)]
    frame = spark.createDataFrame(rows, "data binary, shardId string, sequenceNumber string")
    made = outcomes(frame, schemas.load(directory), F.lit(BATCH_TIME), SystemUserIdPattern.of()).collect()
    assert len(made) == len(cases), "every change event leaves exactly once"
    return {int(row.sequenceNumber): row for row in made}


def _difference(due: Archived | Failed, row: Row, data: bytes, directory: Path) -> tuple[str, str] | None:
    """What kind of difference there is and, for people, which; None where job and oracle agree."""
    if isinstance(due, Failed):
        return _difference_of_failure(due, row, data, directory)
    if row.message is not None:
        return f"archived by the oracle alone ({due.type})", row.message
    if (row.type, row.partitionDate) != (due.type, due.partition_date):
        return "other place", f"{row.type} {row.partitionDate}, not {due.type} {due.partition_date}"
    schema = json.loads((directory / f"{due.type}.avsc").read_text())
    datum = io.BytesIO(row.body)
    record = fastavro.schemaless_reader(datum, schema, None)
    assert isinstance(record, dict)
    if rest := datum.read():
        return "more than a record", f"{len(rest)} bytes after it"
    names = [name for name in due.record if record[name] != due.record[name]]
    if names:
        return (
            f"other {' and '.join(names)}",
            f"{[record[n] for n in names]}, not {[due.record[n] for n in names]}",
        )
    return None


def _difference_of_failure(due: Failed, row: Row, data: bytes, directory: Path) -> tuple[str, str] | None:
    expected = message(due, directory)
    if row.message is None:
        return f"archived by the job alone ({due.reason})", expected
    if row.message != expected:
        return f"other message than for {due.reason}", f"{row.message!r}, not {expected!r}"
    (text,) = json.loads(b"[" + bytes(row.body[1:]) + b"]")
    original = base64.b64encode(data).decode() if due.reason == "not UTF-8" else data.decode()
    if row.body[:1] != b"," or text != original:
        return f"other text of the event ({due.reason})", repr(text[:200])
    if row.type is not None or row.partitionDate is not None:
        return "archive error with a place", f"{row.type} {row.partitionDate}"
    return None
