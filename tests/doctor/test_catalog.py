"""The catalog as the next start will meet it: only a table of another archive or format stops it, no outage."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.catalog.failures import CatalogError, TableElsewhere, TableOfOtherFormat
from jobs.catalog.glue import GlueCatalog, glue_client
from jobs.sinks.storage import open_storage
from schemas import load
from tests.catalog.conftest import aws
from tests.catalog.glue_proxy import GlueProxy, glue_proxy, refuse
from tests.doctor.conftest import Doctor, Said, outlook
from tests.doctor.test_diagnosis import FAILS, WORKS
from tests.sources.fake_kinesis import FakeKinesis

__all__ = ["aws"]
DATABASE = f"archive_{uuid.uuid4().hex[:12]}"


@pytest.fixture
def glue(fake: FakeKinesis, aws: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[GlueProxy]:
    """The Glue beside the fake Kinesis; what tests leave there goes."""
    with glue_proxy(aws.url) as proxy:  # type: ignore[attr-defined]
        monkeypatch.setenv("AWS_ENDPOINT_URL_GLUE", proxy.url)
        yield proxy
        proxy.answer = lambda _operation, _request: None
        client = glue_client()
        if DATABASE in [each["Name"] for each in client.get_databases()["DatabaseList"]]:
            client.delete_database(Name=DATABASE)


def catalog(root: str, format: str = "avro") -> GlueCatalog:
    return GlueCatalog(glue_client(), DATABASE, root, load(), format)


def asked(doctor: Doctor) -> Said:
    return doctor(
        *("--set", "catalog.enabled=true"),
        *("--set", f"catalog.database={DATABASE}"),
        *("--set", "catalog.retry_attempts=1"),
    )


def test_a_catalog_that_is_not_there_yet_is_made_by_the_start_not_by_the_doctor(
    glue: GlueProxy, doctor: Doctor
) -> None:
    assert asked(doctor).code == WORKS
    assert set(glue.calls()) == {"GetTable"}


def test_the_tables_of_this_archive_are_fine(glue: GlueProxy, doctor: Doctor, tmp_path: Path) -> None:
    catalog(open_storage(str(tmp_path / "archive")).uri).ensure_tables()
    glue.calls()
    said = asked(doctor)
    assert (said.code, "Warning" in said.out) == (WORKS, False)
    assert glue.calls() == {"GetTable": 5}


@pytest.mark.parametrize(
    ("root", "format", "refusal", "told"),
    [
        ("s3://another", "avro", TableElsewhere, "describes s3://another/errors/, not file:///"),
        ("", "parquet", TableOfOtherFormat, "reads containers in parquet, and archive.format is avro"),
    ],
)
def test_a_table_that_the_start_refuses_is_told(
    glue: GlueProxy,
    doctor: Doctor,
    tmp_path: Path,
    root: str,
    format: str,
    refusal: type[CatalogError],
    told: str,
) -> None:
    here = open_storage(str(tmp_path / "archive")).uri
    catalog(root or here, format).ensure_tables()
    said = asked(doctor)
    assert said.code == FAILS
    assert told in outlook(said.out)
    with pytest.raises(refusal):
        catalog(here).ensure_tables()


@pytest.mark.parametrize("code", ["InternalServiceException", "AccessDeniedException"])
def test_a_glue_that_fails_is_a_warning(glue: GlueProxy, doctor: Doctor, tmp_path: Path, code: str) -> None:
    glue.answer = lambda _operation, _request: refuse(code)
    said = asked(doctor)
    assert said.code == WORKS
    assert f"Glue refused ({code})" in said.out
    assert "change events are archived all the same" in said.out
    catalog(open_storage(str(tmp_path / "archive")).uri).ensure_tables()


def test_without_a_catalog_none_is_asked(glue: GlueProxy, doctor: Doctor) -> None:
    assert doctor().code == WORKS
    assert not glue.asked
