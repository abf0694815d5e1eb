"""Partitions are registered once, and Glue's troubles never fail a batch."""

import random
import threading
import time
from typing import Any

import pytest
from structlog.testing import capture_logs

from jobs.batch import Batch
from jobs.catalog.failures import CatalogUnavailable
from jobs.catalog.glue import GlueCatalog, NoCatalog, glue_client, open_catalog, sync_catalog
from jobs.settings import CatalogSettings
from jobs.sinks.deliveries import write_delivery_record
from jobs.sinks.records import delivery_record
from jobs.sinks.results import WrittenObject
from jobs.sinks.storage import Storage, open_storage
from schemas import RecordSchema
from tests.catalog.conftest import ROOT
from tests.catalog.glue_proxy import GlueProxy, refuse
from tests.catalog.test_tables import partitions

FIRST, SECOND = ("sale", "2026-03-01"), ("demand", "2026-03-02")


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore's pauses between attempts are not what is tested."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)


def test_a_partition_is_registered_once_in_the_life_of_a_process(
    catalog: GlueCatalog, database: str, glue: GlueProxy
) -> None:
    assert catalog.register({FIRST, SECOND}) == []
    assert glue.calls()["BatchCreatePartition"] == 2
    assert catalog.register({FIRST, SECOND}) == []
    assert catalog.register(set()) == []
    assert glue.calls() == {}
    assert list(partitions(database, "sale")) == ["2026-03-01"]
    assert list(partitions(database, "demand")) == ["2026-03-02"]


def test_a_restarted_process_asks_for_what_is_registered_first(
    catalog: GlueCatalog, database: str, schemas: dict[str, RecordSchema], glue: GlueProxy
) -> None:
    catalog.register({FIRST})
    again = GlueCatalog(glue_client(), database, ROOT, schemas)
    again.ensure_tables()
    glue.calls()
    assert again.register({FIRST}) == []
    assert glue.calls() == {}


def test_more_than_a_hundred_go_in_several_calls(
    catalog: GlueCatalog, database: str, glue: GlueProxy
) -> None:
    dates = [f"2026-{month:02d}-{day:02d}" for month in range(1, 10) for day in range(1, 28)]
    assert catalog.register({("event", date) for date in dates}) == []
    sizes = [
        len(asked["PartitionInputList"])
        for operation, asked in glue.asked
        if operation == "BatchCreatePartition"
    ]
    assert sizes == [100, 100, 43]
    assert sorted(partitions(database, "event")) == dates


def test_a_partition_that_is_there_already_is_fine(
    catalog: GlueCatalog, database: str, schemas: dict[str, RecordSchema]
) -> None:
    faster = GlueCatalog(glue_client(), database, ROOT, schemas)
    catalog.ensure_tables()
    faster.ensure_tables()
    assert faster.register({FIRST}) == []
    assert catalog.register({FIRST}) == []


def test_one_refused_partition_stays_pending_and_is_tried_with_the_next_batch(
    catalog: GlueCatalog, database: str, glue: GlueProxy
) -> None:
    detail = {"ErrorCode": "InternalServiceException", "ErrorMessage": "scripted"}
    catalog.ensure_tables()
    glue.answer = lambda operation, _: (
        (200, {"Errors": [{"PartitionValues": ["2026-03-01"], "ErrorDetail": detail}]})
        if operation == "BatchCreatePartition"
        else None
    )
    with capture_logs() as lines:
        assert catalog.register({FIRST, ("sale", "2026-03-05")}) == [FIRST]
    (line,) = lines
    assert line["partitions"] == 1
    assert line["reason"] == {"InternalServiceException": 1}
    glue.answer = lambda _operation, _request: None
    assert catalog.register({SECOND}) == []
    assert "2026-03-01" in partitions(database, "sale")


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServiceException", "AccessDeniedException"])
def test_a_refusing_glue_leaves_partitions_pending(code: str, catalog: GlueCatalog, glue: GlueProxy) -> None:
    catalog.ensure_tables()
    glue.answer = lambda _operation, _request: refuse(code)
    with capture_logs() as lines:
        assert catalog.register({FIRST, SECOND}) == [SECOND, FIRST]
    assert len(lines) == 1
    assert code in str(lines[0]["reason"])
    glue.answer = lambda _operation, _request: None
    assert catalog.register(set()) == []


def test_throttling_is_outlived(catalog: GlueCatalog, glue: GlueProxy) -> None:
    catalog.ensure_tables()
    replies = [refuse("ThrottlingException")] * 3
    glue.answer = lambda _operation, _request: replies.pop() if replies else None
    assert catalog.register({FIRST}) == []
    assert glue.calls()["BatchCreatePartition"] == 4


PASSED_ON = ["ConcurrentModificationException", "OperationTimeoutException"]


@pytest.mark.parametrize("code", PASSED_ON)
def test_what_botocore_does_not_try_again_is_outlived_within_the_batch(
    code: str, catalog: GlueCatalog, glue: GlueProxy
) -> None:
    catalog.ensure_tables()
    glue.calls()
    replies = [refuse(code)] * 3
    glue.answer = lambda _operation, _request: replies.pop() if replies else None
    assert catalog.register({FIRST}) == []
    assert glue.calls() == {"BatchCreatePartition": 4}


@pytest.mark.parametrize("code", PASSED_ON)
def test_it_is_tried_up_to_the_bound_in_conf_then_with_the_next_batch(
    code: str, database: str, schemas: dict[str, RecordSchema], glue: GlueProxy
) -> None:
    catalog = GlueCatalog(glue_client(3), database, ROOT, schemas)
    catalog.ensure_tables()
    glue.calls()
    glue.answer = lambda _operation, _request: refuse(code)
    assert catalog.register({FIRST}) == [FIRST]
    assert glue.calls() == {"BatchCreatePartition": 3}
    glue.answer = lambda _operation, _request: None
    assert catalog.register(set()) == []
    assert glue.calls() == {"BatchCreatePartition": 1}


@pytest.mark.parametrize("code", ["ConcurrentModificationException", "ThrottlingException"])
def test_pauses_may_grow_and_are_never_the_same(
    code: str, catalog: GlueCatalog, glue: GlueProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    random.seed(171)
    catalog.ensure_tables()
    glue.answer = lambda _operation, _request: refuse(code)
    # What other tests left running in this process may pause as well.
    pauses: list[tuple[int, float]] = []
    monkeypatch.setattr(time, "sleep", lambda seconds: pauses.append((threading.get_ident(), seconds)))
    for _ in range(20):
        catalog.register({FIRST})
    ours = [seconds for thread, seconds in pauses if thread == threading.get_ident()]
    assert len(ours) == 60
    first, second, third = (sorted(ours[attempt::3]) for attempt in range(3))
    assert [first[-1] <= 1, second[-1] <= 2, third[-1] <= 4] == [True] * 3
    assert sum(first) < sum(second) < sum(third)
    assert len({*first, *second, *third}) == 60


def test_a_long_outage_wears_out_no_retries(
    catalog: GlueCatalog, glue: GlueProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    catalog.ensure_tables()
    glue.calls()
    glue.answer = lambda _operation, _request: refuse("InternalServiceException", 500)
    for _ in range(40):
        assert catalog.register({FIRST}) == [FIRST]
        assert glue.calls() == {"BatchCreatePartition": 4}
    glue.answer = lambda _operation, _request: None
    assert catalog.register(set()) == []


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("AccessDeniedException", "grant the role the Glue actions, and where Lake Formation rules"),
        ("ExpiredTokenException", "renew or correct the credentials"),
        ("ResourceNumberLimitExceededException", "have the account's quota raised"),
        ("InvalidInputException", "see what it says"),
    ],
)
def test_a_refusal_says_what_to_do(code: str, remedy: str, catalog: GlueCatalog, glue: GlueProxy) -> None:
    glue.answer = lambda _operation, _request: refuse(code)
    with pytest.raises(CatalogUnavailable, match=rf"refused \({code}\): {remedy}.* It says: scripted"):
        catalog.bring_up_to_date()
    assert glue.calls() == {"GetDatabase": 1}


def test_a_silent_glue_is_asked_no_further(catalog: GlueCatalog, glue: GlueProxy) -> None:
    catalog.ensure_tables()
    glue.calls()
    glue.is_silent = True
    with capture_logs() as lines:
        assert catalog.register({FIRST, SECOND}) == [SECOND, FIRST]
    assert glue.calls() == {"BatchCreatePartition": 4}
    assert len(lines) == 1
    glue.is_silent = False
    assert catalog.register(set()) == []


def test_a_job_may_start_while_glue_is_silent(catalog: GlueCatalog, database: str, glue: GlueProxy) -> None:
    glue.is_silent = True
    with capture_logs() as lines:
        catalog.ensure_tables()
        assert catalog.register({FIRST}) == [FIRST]
    assert len(lines) == 2
    with pytest.raises(CatalogUnavailable, match="no answer from Glue"):
        catalog.bring_up_to_date()
    glue.is_silent = False
    assert catalog.register({SECOND}) == []
    assert list(partitions(database, "sale")) == ["2026-03-01"]


def test_a_dropped_table_comes_back_with_the_batch_after_the_next(
    catalog: GlueCatalog, database: str
) -> None:
    catalog.register({FIRST})
    glue_client().delete_table(DatabaseName=database, Name="sale")
    assert catalog.register({("sale", "2026-03-07"), SECOND}) == [("sale", "2026-03-07")]
    assert catalog.register(set()) == []
    assert list(partitions(database, "sale")) == ["2026-03-07"]
    assert list(partitions(database, "demand")) == ["2026-03-02"]


def test_a_partition_dropped_while_schemas_are_brought_along_is_no_error(
    catalog: GlueCatalog, database: str, schemas: dict[str, RecordSchema], glue: GlueProxy
) -> None:
    def answering(code: str) -> Any:
        errors = [
            {"PartitionValueList": ["2026-03-01"], "ErrorDetail": {"ErrorCode": code, "ErrorMessage": ""}}
        ]
        return lambda operation, _: (200, {"Errors": errors}) if operation == "BatchUpdatePartition" else None

    catalog.register({FIRST})
    sale = schemas["sale"]
    newer = {
        **schemas,
        "sale": RecordSchema("sale", sale.avro_text.replace("Sale", "Selling"), sale.attributes),
    }
    later = GlueCatalog(glue_client(), database, ROOT, newer)
    glue.answer = answering("EntityNotFoundException")
    later.bring_up_to_date()
    glue.answer = answering("InternalServiceException")
    with pytest.raises(CatalogUnavailable, match="InternalServiceException"):
        later.bring_up_to_date()


@pytest.fixture
def archive(tmp_path: Any) -> Storage:
    """An archive whose delivery records name three partitions, one of them twice."""
    storage = open_storage(str(tmp_path))
    days = [("sale", "2026-03-01"), ("sale", "2026-03-02"), ("demand", "2026-03-01"), ("sale", "2026-03-01")]
    for number, (type, date) in enumerate(days):
        batch = Batch("stream", "q", number, f"2026-03-0{number + 1}T00:00:00.000Z")
        one = WrittenObject(
            "delivery", type, date, None, 0, 1, 1, "", storage.location(f"data/{number}.avro")
        )
        write_delivery_record(
            storage, batch, delivery_record(batch, version="1", source={}, read=1, written=[one])
        )
    return storage


def test_the_sync_registers_every_partition_that_delivery_records_name(
    archive: Storage, catalog: GlueCatalog, database: str, glue: GlueProxy
) -> None:
    assert sync_catalog(catalog, archive) == (3, [])
    assert sorted(partitions(database, "sale")) == ["2026-03-01", "2026-03-02"]
    assert sorted(partitions(database, "demand")) == ["2026-03-01"]
    glue.calls()
    assert sync_catalog(catalog, archive) == (3, [])
    assert "BatchCreatePartition" not in glue.calls()


def test_the_sync_may_begin_later(archive: Storage, catalog: GlueCatalog, database: str) -> None:
    assert sync_catalog(catalog, archive, since="2026-03-03") == (2, [])
    assert sorted(partitions(database, "sale")) == ["2026-03-01"]


def test_the_sync_says_when_glue_cannot_be_had(
    archive: Storage, catalog: GlueCatalog, glue: GlueProxy
) -> None:
    glue.answer = lambda _operation, _request: refuse("AccessDeniedException")
    with pytest.raises(CatalogUnavailable, match="AccessDeniedException"):
        sync_catalog(catalog, archive)


def test_a_partition_of_a_type_that_is_no_more_stays_pending(catalog: GlueCatalog, database: str) -> None:
    assert catalog.register({("venue", "2026-03-01"), FIRST}) == [("venue", "2026-03-01")]
    assert list(partitions(database, "sale")) == ["2026-03-01"]


def test_without_a_catalog_nothing_is_pending(archive: Storage, schemas: dict[str, RecordSchema]) -> None:
    none = open_catalog(CatalogSettings(enabled=False, database=None), archive, schemas)
    assert isinstance(none, NoCatalog)
    none.ensure_tables()
    assert none.register({FIRST}) == []
    assert sync_catalog(none, archive) == (3, [])


def test_the_conf_names_the_database_and_the_archive_its_place(
    archive: Storage, schemas: dict[str, RecordSchema], database: str, glue: GlueProxy
) -> None:
    found = open_catalog(CatalogSettings(enabled=True, database=database), archive, schemas)
    assert found.register({FIRST}) == []
    location = partitions(database, "sale")["2026-03-01"]["StorageDescriptor"]["Location"]
    assert location == f"{archive.uri}/data/sale/partition_date=2026-03-01/"
    assert location.startswith("file:///")
