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
    return whole


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
    r"""A query's first line of comment.

    >>> _description("-- How many there are.\nSELECT count(*) FROM demand\n")
    'How many there are.'
    """
    found = re.match(r"--\s*(.+)", text)
    return found.group(1) if found else ""


def _camel_case(name: str) -> str:
    """A file's name as part of a logical id.

    >>> _camel_case("errors_per_day.sql")
    'ErrorsPerDay'
    """
    return "".join(part.capitalize() for part in re.split(r"\W|_", name.removesuffix(".sql")))


if __name__ == "__main__":
    sys.stdout.write(render() + "\n")
