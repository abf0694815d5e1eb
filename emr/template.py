"""``python -m emr.template``: prints the stack's template as it is deployed.

That is ``emr/template.yaml`` and a saved Athena query for each file of ``schemas/queries``, as JSON: CloudFormation takes
no template of more than 51,200 bytes in a request, and JSON without spaces is the smallest that it reads.
"""

import json
import re
import sys
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import takewhile
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).with_name("template.yaml")
MAX_BYTES = 51_200


def render() -> str:
    """The template as CloudFormation gets it."""
    return json.dumps(template(), separators=(",", ":"))


def template() -> dict[str, Any]:
    """The template with the saved queries, its intrinsic functions in their long form (``{"Fn::Sub": …}``)."""
    # Late: only who deploys or tests has it.
    from cfnlint.decode.cfn_yaml import load

    whole: dict[str, Any] = json.loads(json.dumps(load(str(TEMPLATE))))
    whole["Resources"] |= {f"Query{_camel_case(file.name)}": _saved(file) for file in _queries()}
    packed: dict[str, Any] = _packed(whole)
    return packed


def _packed(value: Any) -> Any:
    """The value, JSON that is written as text (the schedules' input, the dashboard) without its line breaks and spaces.

    >>> _packed({"Fn::Sub": '{"a": "${Bucket}"}'})
    {'Fn::Sub': '{"a":"${Bucket}"}'}
    """
    if isinstance(value, dict):
        return {key: _packed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_packed(each) for each in value]
    if isinstance(value, str) and value.startswith('{"'):
        return json.dumps(json.loads(value), separators=(",", ":"))
    return value


def _queries() -> Iterator[Traversable]:
    folder = resources.files("schemas") / "queries"
    files = folder.iterdir() if folder.is_dir() else ()
    yield from sorted((file for file in files if file.name.endswith(".sql")), key=lambda file: file.name)


def _saved(file: Traversable) -> dict[str, Any]:
    text = file.read_text(encoding="utf-8")
    properties = {
        "Name": file.name.removesuffix(".sql"),
        "Description": _description(text),
        "Database": {"Ref": "Database"},
        "WorkGroup": {"Ref": "WorkGroup"},
        "QueryString": text,
    }
    return {"Type": "AWS::Athena::NamedQuery", "Properties": properties}


def _description(text: str) -> str:
    r"""The first sentence of the comment that a query begins with.

    >>> _description("-- How many\n-- there are. All of them.\nSELECT count(*) FROM demand\n")
    'How many there are.'
    """
    comment = " ".join(line[2:].strip() for line in takewhile(_is_comment, text.splitlines()))
    return comment[: comment.find(". ") + 1] or comment


def _is_comment(line: str) -> bool:
    return line.startswith("--")


def _camel_case(name: str) -> str:
    """A file's name as part of a logical id.

    >>> _camel_case("errors_per_day.sql")
    'ErrorsPerDay'
    """
    return "".join(part.capitalize() for part in re.split(r"\W|_", name.removesuffix(".sql")))


if __name__ == "__main__":
    sys.stdout.write(render() + "\n")
