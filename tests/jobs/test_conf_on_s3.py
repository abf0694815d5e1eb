"""A conf may be on S3: a cluster has no files of ours."""

from collections.abc import Callable

import pytest

from jobs.demo.emulator import Emulator
from jobs.settings import SettingsError, load_settings

CONF = b'[source]\nstream = "changes"\n[archive]\nuri = "s3://archive/dmd"\ncheckpoint = "s3://archive/checkpoint"\n'


@pytest.fixture
def place(aws: Emulator, bucket: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket that the environment leads to."""
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    return bucket()


def test_it_is_read_as_from_a_file(aws: Emulator, place: str) -> None:
    aws.client("s3").put_object(Bucket=place, Key="artifacts/0123/prod.toml", Body=CONF)
    settings = load_settings(f"s3://{place}/artifacts/0123/prod.toml", ["archive.codec=null"])
    assert (settings.source.stream, settings.archive.codec) == ("changes", "null")


def test_one_that_isnt_there_is_told(place: str) -> None:
    with pytest.raises(SettingsError, match=rf"^s3://{place}/artifacts/prod.toml: can't be read: "):
        load_settings(f"s3://{place}/artifacts/prod.toml")
