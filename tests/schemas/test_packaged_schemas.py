"""The four .avsc files are the domain's record structures, and everything reads them from the package."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import fastavro
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import schemas
from schemas import Attribute
from schemas.needs import RESERVED
from tests.rules.change_events import BATCH_TIME, source_frame
from tests.schemas.copies import PACKAGED, edited
from transforms.add_system import SystemUserIdPattern
from transforms.columns import walk
from transforms.outcomes import outcomes, records

# A question mark marks what is optional.
REFERENCE = {"id": "string", "timestamp": "string"}
CHANGE = {"id?": "string", "name?": "string", "time?": "string", "sequenceNumber?": "string"}
MOMENT = {"dateTime?": "string", "localDate?": "string"}
DOMAIN: dict[str, dict[str, Any]] = {
    "demand": {
        "type": "string", "fanId": "string", "eventId": "string", "saleId": "string", "artistId?": "string", "eventName?": "string",
        "saleName?": "string", "artistName?": "string", "requestedDateTime": "string", "phoneNumber?": "string", "email?": "string",
        "contactMethod?": "string", "demandType?": "string",
        "date": {"requested": "string", "triggered?": "string", "notified?": "string", "deleted?": "string"},
        "systemUserId?": "string", "system?": {"id": "string", "databaseId": "string", "memberId": "string"}, "reference": REFERENCE,
        "isDeleted?": "boolean", "change?": CHANGE,
    },
    "notification": {
        "type": "string", "fanId": "string", "eventId": "string", "saleId": "string", "saleName?": "string", "messageBody?": "string",
        "phoneNumber?": "string", "email?": "string", "date": {"created": "string", "updated?": "string", "deleted?": "string"},
        "reference": REFERENCE, "isDeleted?": "boolean", "change?": CHANGE,
    },
    "event": {
        "type": "string", "id": "string", "name?": "string", "eventDate?": {"start?": MOMENT, "end?": MOMENT},
        "date?": {"firstSeen?": "string", "updated?": "string", "deleted?": "string"}, "reference": REFERENCE, "isDeleted?": "boolean",
        "change?": CHANGE,
    },
    "sale": {
        "type": "string", "id": "string", "eventId": "string", "name?": "string", "saleStartDateTime": "string",
        "date?": {"deleted?": "string"}, "reference": REFERENCE, "isDeleted?": "boolean", "change?": CHANGE,
    },
}  # fmt: skip


def described(avro_type: Any) -> Any:
    """An Avro type as `DOMAIN` writes it."""
    if not isinstance(avro_type, dict):
        return avro_type
    return {
        field["name"] + ("?" if isinstance(field["type"], list) else ""): described(
            field["type"][1] if isinstance(field["type"], list) else field["type"]
        )
        for field in avro_type["fields"]
    }


@pytest.mark.parametrize("type_", DOMAIN)
def test_the_record_structures_are_the_domain_s(type_: str) -> None:
    assert described(schemas.avro(type_)) == DOMAIN[type_]
    assert list(described(schemas.avro(type_))) == list(DOMAIN[type_])


@pytest.mark.parametrize("type_", DOMAIN)
def test_each_is_avro_that_others_read_and_every_optional_field_has_its_default(type_: str) -> None:
    schema: Any = fastavro.parse_schema(schemas.avro(type_))
    assert schema["name"] == f"dmd.{type_.capitalize()}"
    text = (PACKAGED / f"{type_}.avsc").read_text(encoding="utf-8")
    assert text.count('["null", ') == text.count('"default": null')


def test_what_goes_into_containers_is_the_file_s_json_made_compact() -> None:
    for type_ in schemas.RECORD_TYPES:
        text = schemas.avro_text(type_)
        assert json.loads(text) == json.loads((PACKAGED / f"{type_}.avsc").read_text(encoding="utf-8"))
        assert ", " not in text.replace('": "', "").partition('"doc"')[0]


def test_no_name_of_the_schemas_can_meet_a_column_of_the_steps(spark: SparkSession) -> None:
    loaded = schemas.load()
    frame = source_frame(spark).selectExpr(
        "*", "'' streamName", "'' partitionKey", "timestamp '2026-03-01' approximateArrivalTimestamp"
    )
    found = frame.transform(records, loaded, F.lit(BATCH_TIME), SystemUserIdPattern.of()).columns
    own = {".".join(path) for schema in loaded.values() for path, _ in walk(schema.attributes)}
    of_the_steps = {name.lower() for name in found if name not in own and not name.startswith("image.")}
    assert of_the_steps <= RESERVED
    assert len(of_the_steps) > 8


def test_a_schema_of_nothing_but_what_the_steps_rely_on_works(spark: SparkSession, tmp_path: Path) -> None:
    spared = {"artistId", "eventName", "saleName", "artistName", "phoneNumber", "email", "contactMethod", "demandType", "messageBody", "name",
              "requestedDateTime"}  # fmt: skip

    def shorten(schema: dict[str, Any]) -> None:
        schema["fields"] = [field for field in schema["fields"] if field["name"] not in spared]

    loaded = schemas.load(edited(tmp_path, dict.fromkeys(schemas.RECORD_TYPES, shorten)))
    kept: set[Attribute] = {each for schema in loaded.values() for each in schema.attributes}
    assert not {each.name for each in kept} & spared
    frame = outcomes(source_frame(spark, b"{}"), loaded, F.lit(BATCH_TIME), SystemUserIdPattern.of())
    assert [row.message for row in frame.select("message").collect()] == [
        "eventName is missing or not one of INSERT, MODIFY, REMOVE (BR-001)"
    ]


def test_they_are_read_from_a_zip_as_spark_submit_ships_them(tmp_path: Path) -> None:
    archive = tmp_path / "packages.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in PACKAGED.iterdir():
            if path.suffix in (".py", ".avsc"):
                packed.write(path, f"schemas/{path.name}")
    program = f"import sys; sys.path.insert(0, {str(archive)!r}); import schemas; print(len(schemas.load()), schemas.__file__)"
    told = subprocess.run(
        [sys.executable, "-I", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        timeout=60,
    )
    assert told.stdout.strip() == f"4 {archive}/schemas/__init__.py"
