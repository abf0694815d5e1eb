"""The version that delivery records name is the package's."""

import tomllib
from pathlib import Path

from jobs.version import VERSION


def test_the_version_in_the_code_is_that_of_the_package() -> None:
    package = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert package["project"]["version"] == VERSION
