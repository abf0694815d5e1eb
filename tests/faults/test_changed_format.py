"""BR-018: a batch killed half-way as Avro, replayed as Parquet, killed and replayed once more, is archived once."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.faults.conftest import OnS3
from tests.faults.kills import on_arrival, run_killed
from tests.faults.long import SECONDS
from tests.faults.proxy import Proxy
from tests.jobs.archived import Archived
from tests.jobs.job import Finished
from tests.jobs.ledger import Entry

PREFIX, RECORD = "p/", "/deliveries/"
AS_PARQUET = ("--until-caught-up", "--set", "archive.format=parquet")


pytestmark = pytest.mark.timeout(SECONDS)


@dataclass(frozen=True)
class Story:
    """What was there when the job was killed as Avro, then as Parquet; and the end."""

    ledger: list[Entry]
    avro: Archived
    both: Archived
    last: Finished
    archive: Archived


@pytest.fixture(scope="module")
def story(proxy: Proxy, on_s3: Callable[..., OnS3]) -> Story:
    source, archiving, archived = on_s3(2, PREFIX)
    source.publish_some(17, 300)
    run_killed(archiving, proxy, on_arrival(method="PUT", path=RECORD))
    avro = archived()
    run_killed(archiving, proxy, on_arrival(method="PUT", path=RECORD), *AS_PARQUET)
    both = archived()
    return Story(source.ledger, avro, both, archiving.run(*AS_PARQUET), archived())


def containers(archive: Archived, ending: str) -> dict[str, bytes]:
    return {
        key: body for key, body in archive.objects.items() if key.startswith("data/") and key.endswith(ending)
    }


def test_the_replay_makes_every_container_under_the_same_name_but_for_the_ending(story: Story) -> None:
    before, after = containers(story.avro, ".avro"), containers(story.both, ".parquet")
    assert {key.replace(".avro", ".parquet") for key in before} == set(after) != set()
    assert containers(story.both, ".avro") == before


def test_a_further_replay_makes_the_same_bytes(story: Story) -> None:
    story.last.succeeded()
    assert containers(story.archive, ".parquet") == containers(story.both, ".parquet")


def test_the_archive_holds_the_batch_once_and_nothing_of_the_other_format(story: Story) -> None:
    assert containers(story.archive, ".avro") == {}
    story.archive.holds(story.ledger)
