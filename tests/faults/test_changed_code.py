"""BR-018: a batch killed half-way and replayed by other code and conf is archived once, as the new code sees it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from jobs.demo.generator import DEMO, events
from tests.faults.conftest import OnS3
from tests.faults.kills import MakeRule, on_arrival, once_done, run_killed
from tests.faults.long import SECONDS
from tests.faults.one_process import one_process
from tests.faults.processes import kill_tree
from tests.faults.proxy import Proxy
from tests.jobs.archived import Archived
from tests.jobs.job import Finished
from tests.jobs.ledger import Entry
from tests.schemas.copies import edited

PREFIX, RECORD = "p/", "/deliveries/"
OLDER_ERROR = "demand: phoneNumber is missing (BR-003)"


pytestmark = pytest.mark.timeout(SECONDS)


@dataclass(frozen=True)
class Story:
    """What the older code left, what the newer code had when it was killed before it tidied up, and the end."""

    ledger: list[Entry]
    older: Archived
    untidied: Archived
    last: Finished
    archive: Archived
    # Of the next batch, in which the older code was killed once it had written the delivery record.
    recorded: Archived
    committed: Archived


def stricter(schema: dict[str, object]) -> None:
    """As if a release had required a phone number by mistake: it turns records into errors."""
    fields = schema["fields"]
    assert isinstance(fields, list)
    (phone,) = [field for field in fields if field["name"] == "phoneNumber"]
    phone["type"] = "string"
    del phone["default"]
    fields.insert(-1, {"name": "venueName", "type": ["null", "string"], "default": None})


@pytest.fixture(scope="module")
def story(proxy: Proxy, on_s3: Callable[..., OnS3], tmp_path_factory: pytest.TempPathFactory) -> Story:
    source, archiving, archived = on_s3(2, PREFIX)
    source.publish(events(91, 9000, mix=DEMO._replace(days=1)))
    # Older: other schemas, another codec, a lower roll limit.
    directory = edited(tmp_path_factory.mktemp("schemas"), {"demand": stricter})
    conf = ["--set", "archive.codec=null", "--set", "archive.max_container_bytes=1048576"]
    start = [sys.executable, "-P", str(Path(__file__).with_name("other_schemas.py")), str(directory)]

    def killed_older(rule: MakeRule) -> Archived:
        with archiving.process([*start, "--conf", str(archiving.conf_file()), *conf], {}) as running:
            proxy.rules = [rule(lambda: kill_tree(running.process.pid))]
            running.end()
            proxy.rules = []
        return archived()

    older = killed_older(on_arrival(method="PUT", path=RECORD))
    # Newer: killed once more, between the delivery record and the tidying up.
    newer = ["--set", "archive.codec=deflate"]
    run_killed(archiving, proxy, once_done(method="PUT", path=RECORD), *newer)
    untidied = archived()
    with one_process(archiving) as process:
        last, archive, ledger = process.run(*newer), archived(), list(source.ledger)
        source.publish(events(92, 300, mix=DEMO._replace(days=1)))
        recorded = killed_older(once_done(method="PUT", path=RECORD))
        process.run(*newer).succeeded()
    return Story(ledger, older, untidied, last, archive, recorded, archived())


def test_the_older_code_saw_errors_where_the_newer_one_sees_records(story: Story) -> None:
    assert story.older.records == []
    assert any(OLDER_ERROR.encode() in body for body in story.older.objects.values())
    (record,) = story.archive.records
    assert OLDER_ERROR not in {error["message"] for error in record["errors"]}


def test_the_older_code_left_objects_that_the_newer_one_does_not_make(story: Story) -> None:
    gone = story.older.objects.keys() - story.archive.objects.keys()
    assert any(key.startswith("errors/") for key in gone)
    assert any(key.startswith("data/") for key in gone), "a container that only the lower roll limit makes"
    assert gone < story.untidied.objects.keys()


def test_what_both_make_has_the_newer_bytes(story: Story) -> None:
    both = [
        key for key in story.older.objects.keys() & story.archive.objects.keys() if key.startswith("data/")
    ]
    assert both
    assert all(b"deflate" in story.archive.objects[key][:9000] for key in both)


def test_the_archive_holds_the_batch_once_as_the_newer_code_sees_it_and_nothing_else(story: Story) -> None:
    (line,) = [line for line in story.last.succeeded().batches if line["batchId"] == 0]
    assert line["replayed"]
    story.archive.holds(story.ledger)


def test_the_log_says_how_many_objects_went(story: Story) -> None:
    (line,) = [line for line in story.last.lines if line["event"] == "leftovers.removed"]
    assert line["objects"] == len(story.untidied.objects) - len(story.archive.objects)


def test_a_batch_that_the_older_code_had_recorded_stays_as_it_saw_it(story: Story) -> None:
    assert story.committed.objects == story.recorded.objects
    _, record = story.committed.records
    assert OLDER_ERROR in {error["message"] for error in record["errors"]}
