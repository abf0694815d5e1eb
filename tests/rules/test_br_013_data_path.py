"""BR-013: containers lie at {prefix}/data/{type}/partition_date={YYYY-MM-DD}/{timestamp}-{uuid}.avro."""

import re

from jobs.sinks.storage import Storage
from tests.rules.archives import contents, delivery_record, records

KEY = re.compile(
    r"data/(demand|notification|event|sale)/partition_date=([0-9]{4}-[0-9]{2}-[0-9]{2})/"
    r"2026-03-05T06-07-08\.009Z-[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.avro"
)


def test_every_container_s_key_is_of_that_form(archived_batch: Storage) -> None:
    keys = list(contents(archived_batch, "data/"))
    assert len(keys) == 5
    assert all(KEY.fullmatch(key) for key in keys)


def test_the_key_tells_what_is_in_it(archived_batch: Storage) -> None:
    for key, body in contents(archived_batch, "data/").items():
        match = KEY.fullmatch(key)
        assert match is not None
        assert {record["type"] for record in records(body)} == {match[1]}


def test_the_delivery_record_names_every_container(archived_batch: Storage) -> None:
    named = {each["storage"]["key"]: each for each in delivery_record(archived_batch)["deliveries"]}
    assert named.keys() == contents(archived_batch, "data/").keys()
    for key, each in named.items():
        assert f"data/{each['type']}/partition_date={each['partitionDate']}/" in key
