"""The newest change of a record wins, whatever order changes come in and however often."""

import random
from collections.abc import Callable
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.sinks.storage import open_storage
from tests.latest.conftest import MakeFollowed
from tests.latest.making import Row, deliver, demand, removal, sale, without_nulls
from tests.verify.making import BATCHES, make_archive


def identified(change: Row, change_id: str) -> Row:
    """The change under another id."""
    return {**change, "change": {**change["change"], "id": change_id}}


def test_tables_hold_the_latest_state_of_an_archive_of_parquet(
    spark: SparkSession, followed: MakeFollowed, tmp_path: Path
) -> None:
    """Of Avro: tests/schemas/test_queries.py."""
    archive = open_storage(str(tmp_path / "archive"))
    make_archive(spark, archive, "parquet", BATCHES[:1])
    tables = followed(archive)
    assert tables.update()
    tables.is_latest()
    assert not tables.update()


def test_changes_in_any_order_and_twice_give_the_same_state(followed: MakeFollowed) -> None:
    dice = random.Random(7)
    fans = range(40)
    changes = [
        demand(fan, dice.randrange(50), dice.randrange(200), event=fan % 5, deleted=dice.random() < 0.2)
        for fan in dice.choices(fans, k=300)
    ]
    changes += dice.sample(changes, 50)
    dice.shuffle(changes)
    tables = followed(types=("demand",))
    for batch in range(2):
        deliver(tables.archive, changes[batch::2], batch=batch)
        assert tables.update()
        tables.is_latest()


NEWER: dict[str, Callable[[int], tuple[Row, Row]]] = {
    "the later time, whatever the number": lambda fan: (demand(fan, 10, 99), demand(fan, 11, 5)),
    "of the same time the greater number, as a number": lambda fan: (demand(fan, 10, 9), demand(fan, 10, 10)),
    "also beyond 38 digits": lambda fan: (demand(fan, 10, 10**55), demand(fan, 10, 10**55 + 1)),
    "a number before none": lambda fan: (demand(fan, 10), demand(fan, 10, 1)),
    "a time before none": lambda fan: (demand(fan, None, 7), demand(fan, 0)),
    "of the same change the deletion": lambda fan: (demand(fan, 10), demand(fan, 10, deleted=True)),
    "a deletion that doesn't say when it was, by when it came": lambda fan: (
        demand(fan, 10, 99),
        removal(fan, 11, 5),
    ),
    "what came again after such a deletion": lambda fan: (removal(fan, 10), demand(fan, 11, 5)),
    "of the same time a deletion without a number": lambda fan: (
        demand(fan, 10, 99),
        demand(fan, 10, deleted=True),
    ),
    "what came again after its deletion": lambda fan: (demand(fan, 10, 1, deleted=True), demand(fan, 10, 2)),
    "a sale that is deleted before it starts": lambda number: (
        sale(number, 10),
        sale(number, 11, deleted=True),
    ),
    "of what nothing else tells apart the greater id": lambda fan: (
        identified(demand(fan, 10), "a"),
        identified(demand(fan, 10), "b"),
    ),
    "also where its hash is the smaller": lambda fan: (
        identified(demand(fan, 10), "b"),
        identified(demand(fan, 10), "c"),
    ),
    "a change that is known before one that isn't": lambda fan: (
        demand(fan, None, change=None),
        demand(fan, 0, 1),
    ),
}


def test_the_newer_change_stays(followed: MakeFollowed) -> None:
    """Whether both come in one pass, or the older one later: then a MERGE has to leave the newer one."""
    together, apart = (
        {what: make(number) for number, (what, make) in enumerate(NEWER.items(), first)} for first in (0, 100)
    )
    older, newer = ([pair[which] for pair in together.values()] for which in (0, 1))
    earlier, later = ([pair[which] for pair in apart.values()] for which in (0, 1))
    tables = followed(types=("demand", "sale"))
    for batch, rows in enumerate([newer + older + newer + later, earlier]):
        deliver(tables.archive, rows, batch=batch)
        tables.update()
    state = tables.state("demand") | tables.state("sale")
    for passes, pairs in {"in one pass": together, "by MERGE": apart}.items():
        for what, (_, due) in pairs.items():
            found = state[due["reference"]["id"]]
            del found["bucket"]
            assert without_nulls(found) == without_nulls(due), f"{what}, {passes}"
