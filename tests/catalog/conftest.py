"""An emulated Glue behind a proxy that counts, and databases of each test's own."""

import os
import uuid
from collections.abc import Iterator

import pytest

from jobs.catalog.glue import GlueCatalog, glue_client
from jobs.demo.emulator import Emulator
from schemas import RecordSchema, load
from tests.catalog.glue_proxy import GlueProxy, glue_proxy

ROOT = "s3://a-bucket/some/prefix"


@pytest.fixture(scope="session")
def aws() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def glue(aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[GlueProxy]:
    """The Glue that every new client talks to."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    with glue_proxy(aws.url) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_GLUE", proxy.url)
        yield proxy


@pytest.fixture
def database(glue: GlueProxy) -> str:
    """The name of a database that isn't there yet."""
    return f"archive_{uuid.uuid4().hex[:12]}"


@pytest.fixture
def schemas() -> dict[str, RecordSchema]:
    return load()


@pytest.fixture
def catalog(database: str, schemas: dict[str, RecordSchema]) -> GlueCatalog:
    """A catalog of an archive at ``ROOT``, of which Glue knows nothing yet."""
    return GlueCatalog(glue_client(), database, ROOT, schemas)
