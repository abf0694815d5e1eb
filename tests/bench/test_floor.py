"""The floor parses all that the rules need, and all that a wrong tag could hide."""

import json
from typing import Any

from pyspark.sql import SparkSession

from bench.floor import event, parse_only
from schemas import Attribute, load, merged_attributes

TAGS = {"S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"}
IMAGE = {
    "fanId": {"S": "fan-1"},
    "isDeleted": {"BOOL": True},
    "artistId": {"NULL": True},
    "eventName": {"SS": ["a", "b"]},
    "saleName": {"M": {"x": {"S": "y"}}},
    "email": {"L": [{"S": "fan@example.com"}]},
    "eventDate": {"M": {"start": {"M": {"dateTime": {"S": "2026-03-01T10:00:00Z"}}}}},
    "unknown": {"N": "1"},
}


def paths(schema: Any, parent: str = "") -> set[str]:
    """The paths of a JSON schema's members, those of the tags among them."""
    if not isinstance(schema, dict) or "fields" not in schema:
        return {parent}
    return {
        found for field in schema["fields"] for found in paths(field["type"], f"{parent}.{field['name']}")
    }


def expected(attribute: Attribute, parent: str) -> set[str]:
    path = f"{parent}.{attribute.name}"
    nested = {found for child in attribute.children for found in expected(child, f"{path}.M")}
    return {f"{path}.{tag}" for tag in TAGS - ({"M"} if nested else set())} | nested


def test_its_schema_has_every_attribute_with_every_tag_in_both_images() -> None:
    attributes = merged_attributes(load())
    images = (
        expected(each, f".dynamodb.{image}") for image in ("NewImage", "OldImage") for each in attributes
    )
    envelope = {".eventID", ".eventName"} | {
        f".dynamodb.ApproximateCreationDateTime{suffix}" for suffix in ("", "Precision")
    }
    assert paths(json.loads(event(attributes).json())) == envelope.union(*images)


def test_lists_and_maps_of_the_schemas_are_nested_with_the_same_tags() -> None:
    text = Attribute("item", "string", required=True)
    schema = event(
        [
            Attribute("tags", "array", required=False, items=text),
            Attribute("m", "map", required=False, items=text),
        ]
    )
    image = schema["dynamodb"].dataType["NewImage"].dataType  # type: ignore[index]
    item, value = (
        image["tags"].dataType["L"].dataType.elementType,
        image["m"].dataType["M"].dataType.valueType,
    )
    assert set(item.names) == set(value.names) == TAGS


def test_it_reads_what_dynamodb_sends(spark: SparkSession) -> None:
    change = {"eventID": "e1", "eventName": "MODIFY", "dynamodb": {"NewImage": IMAGE, "OldImage": IMAGE}}
    df = spark.createDataFrame([(json.dumps(change).encode(),)], "data binary").transform(parse_only)
    row = df.first()
    assert row is not None
    parsed = row.event.asDict(recursive=True)
    assert (parsed["eventID"], parsed["eventName"]) == ("e1", "MODIFY")
    for image in (parsed["dynamodb"]["NewImage"], parsed["dynamodb"]["OldImage"]):
        assert {name for name, value in image.items() if value is not None} == set(IMAGE) - {"unknown"}
        assert image["fanId"]["S"] == "fan-1"
        assert image["isDeleted"]["BOOL"] is True
        assert image["artistId"]["NULL"] is True
        assert image["eventName"]["SS"] == ["a", "b"]
        assert image["saleName"]["M"] == {"x": '{"S":"y"}'}
        assert image["email"]["L"] == ['{"S":"fan@example.com"}']
        assert image["eventDate"]["M"]["start"]["M"]["dateTime"]["S"] == "2026-03-01T10:00:00Z"
