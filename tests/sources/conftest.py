"""The emulators, and the fake for what they can't do, with the environment that leads to them."""

from collections.abc import Iterator

import pytest

from tests.emulators import EmulatedKinesis, kinesis_mock, moto, use
from tests.sources.fake_kinesis import FakeKinesis

__all__ = ["kinesis_mock", "moto"]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKinesis]:
    """A fake Kinesis with one empty shard, which every new client talks to."""
    kinesis = FakeKinesis()
    kinesis.add_shard(0)
    with kinesis.serving() as served:
        use(monkeypatch, served)
        yield kinesis


@pytest.fixture
def on_moto(monkeypatch: pytest.MonkeyPatch, moto: EmulatedKinesis) -> EmulatedKinesis:
    """moto, which every new client talks to."""
    use(monkeypatch, moto)
    return moto


@pytest.fixture
def on_kinesis_mock(monkeypatch: pytest.MonkeyPatch, kinesis_mock: EmulatedKinesis) -> EmulatedKinesis:
    """kinesis-mock, which every new client talks to."""
    use(monkeypatch, kinesis_mock)
    return kinesis_mock
