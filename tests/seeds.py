"""A pytest plugin: the fresh seeds of a run, drawn once for all its processes and said at its beginning.

`ORACLE_SEED=7 make test ARGS=tests/oracle` takes that one instead.
"""

import os
import secrets

import pytest

NAMES = ("ORACLE_SEED", "FUZZ_SEED")


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """Draw what nobody has given; test processes that this one starts find it in their environment."""
    for name in NAMES:
        os.environ[name] = os.environ.get(name) or str(secrets.randbelow(10**9))


def pytest_report_header() -> str:
    """What repeats the run's draws."""
    return f"fresh seeds: {' '.join(f'{name}={os.environ[name]}' for name in NAMES)} (set them to repeat this run)"
