"""BR-014, BR-017: a batch's errors are uploaded together per message, one JSON object on one line."""

import json

from jobs.batch import Batch
from jobs.sinks.storage import Storage
from tests.sinks.outcomes import arrow, batches, failure, record
from tests.sinks.test_br_012_016_containers import assemble


def test_the_object_is_exactly_timestamp_error_and_events(directory: Storage, batch: Batch) -> None:
    (row,) = assemble(
        directory,
        batch,
        [
            arrow(
                [
                    failure('{"a": "ü\u2028"}', "demand: email is no S"),
                    failure("2nd", "demand: email is no S"),
                ]
            )
        ],
    )
    assert directory.get(row["storageKey"]).decode() == (
        '{"timestamp":"2026-03-01T12:34:56.789Z","error":{"message":"demand: email is no S"},'
        '"events":["{\\"a\\": \\"ü\u2028\\"}","2nd"]}\n'
    )
    assert row["storageKey"].startswith("errors/2026-03-01T12-34-56.789Z-")
    assert row["storageKey"].endswith(".json")
    assert (row["kind"], row["message"], row["type"], row["count"]) == (
        "error",
        "demand: email is no S",
        None,
        2,
    )


def test_one_object_per_distinct_message(directory: Storage, batch: Batch) -> None:
    rows = [
        *[failure(f"a{n}", "message a") for n in range(3)],
        *[failure(f"b{n}", "message b") for n in range(2)],
    ]
    found = assemble(directory, batch, batches(rows, 2))
    assert [(row["message"], row["count"]) for row in found] == [("message a", 3), ("message b", 2)]
    events = [json.loads(directory.get(row["storageKey"]))["events"] for row in found]
    assert events == [["a0", "a1", "a2"], ["b0", "b1"]]


def test_a_message_that_json_must_escape(directory: Storage, batch: Batch) -> None:
    (row,) = assemble(directory, batch, [arrow([failure("e", 'a "b" \\ ü')])])
    assert json.loads(directory.get(row["storageKey"]))["error"] == {"message": 'a "b" \\ ü'}


def test_past_the_limit_the_list_rolls_into_further_objects(directory: Storage, batch: Batch) -> None:
    rows = [failure(f"{number:0400}") for number in range(1000)]
    found = assemble(directory, batch, batches(rows, 300), max_bytes=50_000)
    assert len(found) > 5
    assert max(row["bytes"] for row in found) <= 50_000
    bodies = [directory.get(row["storageKey"]) for row in found]
    assert all(body.count(b"\n") == 1 and body.endswith(b"\n") for body in bodies)
    contents = [json.loads(body) for body in bodies]
    assert [event for content in contents for event in content["events"]] == [
        f"{n:0400}" for n in range(1000)
    ]
    assert {content["error"]["message"] for content in contents} == {"type is missing"}


def test_one_event_larger_than_the_limit_is_kept_whole(directory: Storage, batch: Batch) -> None:
    rows = [failure("a"), failure("b" * 5000), failure("c")]
    found = assemble(directory, batch, [arrow(rows)], max_bytes=1000)
    assert [row["count"] for row in found] == [1, 1, 1]
    assert json.loads(directory.get(found[1]["storageKey"]))["events"] == ["b" * 5000]


def test_errors_and_records_of_a_batch_lie_side_by_side(directory: Storage, batch: Batch) -> None:
    rows = [failure("a"), failure("b"), record(1), record(2)]
    found = assemble(directory, batch, [arrow(rows)])
    assert [(row["kind"], row["count"]) for row in found] == [("error", 2), ("delivery", 2)]
