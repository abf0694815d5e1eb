"""The tables follow what real backfills archive beside the stream, older changes that come later among it."""

from pathlib import Path
from typing import Any

import pytest

import schemas
from jobs.backfill.options import Options
from jobs.backfill.run import backfill
from jobs.settings import ArchiveSettings, Settings, SourceSettings
from tests.backfill.exporting import TIME, export, item_line
from tests.backfill.mistakes import phone_required
from tests.latest.conftest import Followed, MakeFollowed
from tests.latest.making import DAY, deliver, demand
from tests.schemas.copies import edited

# Seconds of the day, before and after the export's time.
NOON, ONE = 12 * 3600, 13 * 3600


def item(fan: int, *, phone: bool) -> dict[str, Any]:
    """A demand's item in the table when it was exported."""
    texts = {
        "type": "demand",
        "fanId": f"fan-{fan}",
        "eventId": "E1",
        "saleId": "S1",
        "email": exported_email(fan),
    }
    texts |= {"requestedDateTime": f"{DAY}T00:00:00Z"} | ({"phoneNumber": f"+1555{fan:07d}"} if phone else {})
    date = {"requested": {"S": f"{DAY}T00:00:00Z"}}
    return {**{name: {"S": text} for name, text in texts.items()}, "date": {"M": date}}


def exported_email(fan: int) -> str:
    return f"fan-{fan}-exported@example.com"


def emails(tables: Followed) -> dict[str, str]:
    return {row["fanId"]: row["email"] for row in tables.state().values()}


def test_an_export_and_a_redrive_of_what_of_it_failed_lead_to_the_latest_state(
    followed: MakeFollowed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = followed(types=("demand",))
    archive = ArchiveSettings(uri=str(tmp_path / "archive"), checkpoint=str(tmp_path / "checkpoint"))
    settings = Settings(source=SourceSettings(stream="fans"), archive=archive)
    streamed = [demand(1, NOON, 1), demand(2, ONE, 2), demand(3, NOON, 3), demand(4, ONE, 4)]
    deliver(tables.archive, streamed)
    before = {row["fanId"]: row["email"] for row in streamed}
    dump = export(tmp_path)
    dump.add([item_line(item(fan, phone=fan < 3)) for fan in (1, 2, 3, 4, 5)])
    with monkeypatch.context() as by_mistake:
        asked = schemas.load(edited(tmp_path, {"demand": phone_required}))
        by_mistake.setattr(schemas, "load", lambda: asked)
        backfill(settings, Options("export", str(dump.write())))
    assert tables.update()
    tables.is_latest()
    assert emails(tables) == {**before, "fan-1": exported_email(1)}
    backfill(settings, Options("errors"))
    assert tables.update()
    tables.is_latest()
    assert emails(tables) == {**before, **{f"fan-{fan}": exported_email(fan) for fan in (1, 3, 5)}}
    assert tables.state()["E1_S1_fan-5"]["change"]["time"] == TIME.replace("Z", "000Z")
    assert not tables.update()
