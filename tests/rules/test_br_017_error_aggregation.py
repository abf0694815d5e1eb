"""BR-017: all archive errors of a batch are uploaded together per message."""

from jobs.sinks.storage import Storage
from tests.rules.archives import NO_JSON, NO_TYPE, OTHER_NO_JSON, delivery_record, errors

NOT_JSON = "the payload is not one JSON object"
UNKNOWN_TYPE = "type is missing or not one of demand, notification, event, sale (BR-002)"


def test_there_is_one_object_per_message(archived_batch: Storage) -> None:
    assert errors(archived_batch).keys() == {NOT_JSON, UNKNOWN_TYPE}


def test_it_holds_each_event_s_text_unchanged_in_stream_order(archived_batch: Storage) -> None:
    found = errors(archived_batch)
    # By shard, then by sequence number: the second of them came on the first shard.
    assert found[NOT_JSON]["events"] == [OTHER_NO_JSON.decode(), NO_JSON.decode()]
    assert found[UNKNOWN_TYPE]["events"] == [NO_TYPE.decode()]


def test_the_delivery_record_counts_them(archived_batch: Storage) -> None:
    counts = {each["message"]: each["count"] for each in delivery_record(archived_batch)["errors"]}
    assert counts == {NOT_JSON: 2, UNKNOWN_TYPE: 1}
