"""BR-014: archive errors lie at {prefix}/errors/{timestamp}-{uuid}.json."""

import json
import re

from jobs.sinks.storage import Storage
from tests.rules.archives import contents, delivery_record

KEY = re.compile(
    r"errors/2026-03-05T06-07-08\.009Z-[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.json"
)


def test_every_archive_error_s_key_is_of_that_form(archived_batch: Storage) -> None:
    keys = list(contents(archived_batch, "errors/"))
    assert len(keys) == 2
    assert all(KEY.fullmatch(key) for key in keys)


def test_an_archive_error_is_exactly_timestamp_message_and_events_on_one_line(
    archived_batch: Storage,
) -> None:
    for body in contents(archived_batch, "errors/").values():
        assert body.count(b"\n") == 1
        assert body.endswith(b"}\n")
        error = json.loads(body)
        assert list(error) == ["timestamp", "error", "events"]
        assert list(error["error"]) == ["message"]
        assert error["timestamp"] == "2026-03-05T06:07:08.009Z"


def test_the_delivery_record_names_every_archive_error(archived_batch: Storage) -> None:
    named = {each["storage"]["key"] for each in delivery_record(archived_batch)["errors"]}
    assert named == contents(archived_batch, "errors/").keys()
