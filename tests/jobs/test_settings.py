"""The conf file: every problem at once, each with the path of its key, and never a traceback."""

from pathlib import Path

import pytest

from jobs.settings import Settings, SettingsError, load_settings

SOUND = """
[source]
stream = "changes"

[archive]
uri = "s3://bucket/prefix"
checkpoint = "checkpoint"
"""


def load(tmp_path: Path, text: str, *overrides: str) -> Settings:
    path = tmp_path / "archive.toml"
    path.write_text(text)
    return load_settings(path, overrides)


def problems(tmp_path: Path, text: str, *overrides: str) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load(tmp_path, text, *overrides)
    return [line.removeprefix(f"{tmp_path}/archive.toml: ") for line in raised.value.message.splitlines()]


def test_a_conf_with_the_three_keys_that_have_no_default_is_whole(tmp_path: Path) -> None:
    settings = load(tmp_path, SOUND)
    assert settings.source.start == "LATEST"
    assert settings.source.max_records_per_batch == 200_000
    assert settings.catalog.enabled is False


def test_all_problems_are_told_at_once_with_their_keys(tmp_path: Path) -> None:
    text = """
    extra = 1
    [source]
    strem = "changes"
    format = "kafka"
    start = "YESTERDAY"
    max_records_per_batch = 0
    fail_on_data_loss = "yes"
    [archive]
    uri = "s3:/bucket"
    checkpoint = ""
    codec = "lzma"
    trigger = "often"
    max_container_bytes = 1
    [catalog]
    enabled = true
    [system_user_id]
    pattern = "("
    [sink]
    """
    found = problems(tmp_path, text)
    assert [line.split(": ")[0] for line in found] == [
        "source.stream",
        "source.format",
        "source.start",
        "source.max_records_per_batch",
        "source.fail_on_data_loss",
        "source.strem",
        "archive.uri",
        "archive.checkpoint",
        "archive.codec",
        "archive.max_container_bytes",
        "archive.trigger",
        "catalog.database",
        "system_user_id.pattern",
        "extra",
        "sink",
    ]
    assert "source.stream: is missing" in found
    assert "source.strem: there is no such key" in found
    assert "catalog.database: is needed where catalog.enabled is true" in found
    assert not any("YESTERDAY is" in line or "Value error" in line for line in found)


@pytest.mark.parametrize("start", ["LATEST", "TRIM_HORIZON", "2026-03-01", "2026-03-01T12:00:00+05:30"])
def test_a_start_is_a_word_or_an_instant(tmp_path: Path, start: str) -> None:
    assert load(tmp_path, SOUND, f"source.start={start}").source.start == start


def test_parquet_has_other_codecs(tmp_path: Path) -> None:
    assert load(tmp_path, SOUND, "archive.codec=bzip2").archive.containers.codec == "bzip2"
    assert load(tmp_path, SOUND, "archive.format=parquet").archive.containers.format == "parquet"
    with pytest.raises(
        SettingsError, match=r"archive\.codec: must be one of null, deflate, snappy, zstandard$"
    ):
        load(tmp_path, SOUND, "archive.format=parquet", "archive.codec=bzip2")


def test_what_is_set_on_the_command_line_wins(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        SOUND,
        "source.stream=another",
        "source.max_records_per_batch=5",
        "source.fail_on_data_loss=false",
        "catalog.enabled=true",
        "catalog.database=dmd",
        "archive.uri=s3://other/a=b",
        'archive.kms_key_id="123"',
    )
    assert (settings.source.stream, settings.source.max_records_per_batch) == ("another", 5)
    assert settings.source.fail_on_data_loss is False
    assert settings.catalog.database == "dmd"
    assert settings.archive.uri == "s3://other/a=b"
    assert settings.archive.kms_key_id == "123"


def test_every_override_that_is_none_is_told_with_the_other_problems(tmp_path: Path) -> None:
    found = problems(tmp_path, "source = 1\n[archive]\nuri = 'a'\n", "stream", "source.stream=x", "a.b.c=1")
    assert found == [
        "--set stream: write it as section.key=value",
        "--set a.b.c=1: write it as section.key=value",
        "source: must be a section, [source]",
        "archive.checkpoint: is missing",
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"source = ", "not TOML: "),
        (b"\xff", "not TOML: "),
        (None, "can't be read: No such file or directory"),
    ],
)
def test_a_file_that_is_no_conf_is_one_line(tmp_path: Path, content: bytes | None, problem: str) -> None:
    path = tmp_path / "archive.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError) as raised:
        load_settings(path)
    assert raised.value.message.startswith(f"{path}: {problem}")
    assert "\n" not in raised.value.message


def test_a_directory_is_no_conf_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can't be read: Is a directory"):
        load_settings(tmp_path)


@pytest.mark.parametrize("name", ["local", "dev", "prod"])
def test_the_confs_of_the_project_are_sound(name: str) -> None:
    assert load_settings(Path(__file__).parents[2] / "conf" / f"{name}.toml").source.stream
