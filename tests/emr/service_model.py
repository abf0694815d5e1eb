"""A request held to botocore's model of the service: members, types, and what botocore itself leaves to AWS, patterns and bounds."""

import re
from collections.abc import Iterator
from typing import Any

import botocore.session
from botocore.validate import ParamValidator


def problems(service: str, operation: str, request: dict[str, Any]) -> list[str]:
    """What is wrong with the request, a line each."""
    model = botocore.session.get_session().get_service_model(service)
    shape = model.operation_model(operation).input_shape
    assert shape is not None
    report = ParamValidator().validate(request, shape)
    return [*report.generate_report().splitlines(), *_of(shape, request, "")]


def _of(shape: Any, value: Any, path: str) -> Iterator[str]:
    if shape.type_name == "structure":
        for name in value.keys() & shape.members.keys():
            yield from _of(shape.members[name], value[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for each in value:
            yield from _of(shape.member, each, f"{path}[]")
    elif shape.type_name == "map":
        for each in value.values():
            yield from _of(shape.value, each, f"{path}{{}}")
    else:
        yield from _of_a_value(shape, value, path)


def _of_a_value(shape: Any, value: Any, path: str) -> Iterator[str]:
    size = len(value) if isinstance(value, str) else value
    if not shape.metadata.get("min", size) <= size <= shape.metadata.get("max", size):
        yield f"{path} is out of bounds"
    pattern = shape.metadata.get("pattern")
    if pattern and isinstance(value, str) and not re.fullmatch(pattern, value, re.DOTALL):
        yield f"{path} doesn't match {pattern}"
    if shape.type_name == "string" and shape.enum and value not in shape.enum:
        yield f"{path} is none of {shape.enum}"
