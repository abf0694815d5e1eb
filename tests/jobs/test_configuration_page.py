"""docs/configuration.md says of every key what the code says."""

import json
import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from emr.settings import EmrSettings
from jobs.settings import Settings
from transforms.add_system import DEFAULT_PATTERN

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+\.\w+)` \| (.+?) \| (?:(\w+) )?\| (.+?) \| (.+) \|$", re.MULTILINE)
DOCUMENTED = {key: rest for key, *rest in ROW.findall(PAGE)}


def fields() -> dict[str, FieldInfo]:
    """Every key of the conf."""
    found: dict[str, FieldInfo] = {}
    sections = {name: field.annotation for name, field in Settings.model_fields.items() if name != "emr"}
    for section, model in {**sections, "emr": EmrSettings}.items():
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        keys: dict[str, FieldInfo] = model.model_fields
        found |= {f"{section}.{key}": field for key, field in keys.items()}
    return found


def type_of(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(annotation))
    if get_origin(annotation) is dict:
        return "table"
    plain = next((each for each in get_args(annotation) if each is not type(None)), annotation)
    return {str: "string", int: "integer", bool: "boolean"}[plain]


def default_of(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is None or field.default_factory is dict:
        return "none"
    if field.default == DEFAULT_PATTERN:
        return "see below"
    return f"`{field.default if isinstance(field.default, str) else json.dumps(field.default)}`"


def test_the_page_has_exactly_the_keys_of_the_conf() -> None:
    assert list(DOCUMENTED) == list(fields())


@pytest.mark.parametrize("key", fields())
def test_a_key_has_its_type_unit_default_and_meaning(key: str) -> None:
    type_, unit, default, meaning = DOCUMENTED[key]
    field = fields()[key]
    assert type_ == type_of(field.annotation)
    assert default == default_of(field)
    assert bool(unit) == (type_ == "integer"), "a number has a unit"
    assert meaning.endswith(".")


def test_the_default_pattern_is_written_out() -> None:
    assert f"\n{DEFAULT_PATTERN}\n" in PAGE
