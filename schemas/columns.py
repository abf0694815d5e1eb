"""The columns that a table in a Hive-like catalog (Glue, Athena, Trino) has for an Avro schema."""

from collections.abc import Mapping
from typing import Any

from schemas.attributes import SchemaError

_PRIMITIVES = {
    "boolean": "boolean",
    "int": "int",
    "long": "bigint",
    "float": "float",
    "double": "double",
    "string": "string",
    "bytes": "binary",
    "fixed": "binary",
    "enum": "string",
}
_LOGICAL = {("int", "date"): "date", ("long", "timestamp-millis"): "timestamp"}

Named = dict[str, Any]


def hive_columns(avro_schema: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and Hive type of each field, in the schema's order, exactly as an engine's Avro reader sees them.

    Names are in lower case, as catalogs keep them; engines match them with the schema's whatever the case.
    Raises SchemaError for what a table can't hold: a union of several types, a recursive record, names that
    differ by case alone.

    >>> hive_columns({"type": "record", "name": "R", "fields": [
    ...     {"name": "fanId", "type": "string"},
    ...     {"name": "date", "type": ["null", {"type": "record", "name": "D", "fields": [
    ...         {"name": "firstSeen", "type": ["null", "string"]}]}]}]})
    [('fanid', 'string'), ('date', 'struct<firstseen:string>')]
    """
    return _fields(avro_schema, {}, str(avro_schema["name"]))


def _fields(record: Mapping[str, Any], named: Named, path: str) -> list[tuple[str, str]]:
    columns = [
        (field["name"].lower(), _hive_type(field["type"], named, f"{path}.{field['name']}"))
        for field in record["fields"]
    ]
    if len({name for name, _ in columns}) != len(columns):
        raise SchemaError(
            f"{path}: two fields differ by case alone, which no table can tell apart; rename one"
        )
    return columns


def _hive_type(avro_type: Any, named: Named, path: str) -> str:
    if isinstance(avro_type, list):
        return _of_union(avro_type, named, path)
    if isinstance(avro_type, str):
        return _of_name(avro_type, named, path)
    kind = avro_type["type"]
    if not isinstance(kind, str):
        return _hive_type(kind, named, path)
    if kind == "array":
        return f"array<{_hive_type(avro_type['items'], named, path)}>"
    if kind == "map":
        return f"map<string,{_hive_type(avro_type['values'], named, path)}>"
    if kind == "record":
        return _of_record(avro_type, named, path)
    return _of_scalar(avro_type, named, path)


def _of_union(options: list[Any], named: Named, path: str) -> str:
    values = [option for option in options if option != "null"]
    if len(values) != 1:
        raise SchemaError(f"{path}: a column holds one type or null, not a union of several; choose one")
    return _hive_type(values[0], named, path)


def _of_name(name: str, named: Named, path: str) -> str:
    if name in _PRIMITIVES:
        return _PRIMITIVES[name]
    known = named.get(name.rpartition(".")[2])
    if known is None:
        raise SchemaError(f"{path}: {name} is no Avro type, is not defined before, or holds itself")
    return _hive_type(known, named, path)


def _of_record(record: dict[str, Any], named: Named, path: str) -> str:
    name = record["name"].rpartition(".")[2]
    # Unknown while its own fields are looked at, so that a record that holds itself is found out.
    named.pop(name, None)
    members = ",".join(f"{member}:{kind}" for member, kind in _fields(record, named, path))
    named[name] = record
    return f"struct<{members}>"


def _of_scalar(declared: dict[str, Any], named: Named, path: str) -> str:
    kind, logical = declared["type"], declared.get("logicalType")
    if kind in ("fixed", "enum"):
        named[declared["name"].rpartition(".")[2]] = declared
    if logical == "decimal" and kind in ("bytes", "fixed"):
        return f"decimal({declared['precision']},{declared.get('scale', 0)})"
    return _LOGICAL.get((kind, str(logical))) or _of_name(kind, named, path)
