"""kinesis-mock for the tests: on a port of its own, on loopback alone, and a start that fails says why."""

import socket
from pathlib import Path

import pytest

from tests import emulators
from tests.emulators import EmulatedKinesis, kinesis_mock, started_kinesis_mock

__all__ = ["kinesis_mock"]


def test_kinesis_mock_listens_on_loopback_alone(kinesis_mock: EmulatedKinesis) -> None:
    assert kinesis_mock.client().list_streams()["StreamNames"] == []
    port = int(kinesis_mock.url.rsplit(":", 1)[1])
    with socket.socket() as probe:
        # Loopback's own too on Linux, but no address that it was told to listen on.
        assert probe.connect_ex(("127.0.0.2", port)) != 0


@pytest.mark.parametrize(
    ("main", "seconds"),
    [("console.error('no memory'); process.exit(1);", 60), ("console.log('no memory');", 1)],
    ids=["ends", "does not listen"],
)
def test_a_kinesis_mock_that_does_not_start_says_why(
    main: str, seconds: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "main.js").write_text(main)
    monkeypatch.setattr(emulators, "KINESIS_MOCK", tmp_path)
    monkeypatch.setattr(emulators, "_START_SECONDS", seconds)
    with pytest.raises(RuntimeError, match="no memory"), started_kinesis_mock(tmp_path / "said"):
        pass
