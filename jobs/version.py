"""The version of this code, as delivery records name it."""

from importlib.metadata import PackageNotFoundError, version

# From a zip (--py-files) there is no package metadata, so the number stands here; a test compares the two.
VERSION = "0.1.0"


def installed_version() -> str | None:
    """The version of the installed package, None where it runs from a zip."""
    try:
        return version("dmd-pipeline")
    except PackageNotFoundError:
        return None
