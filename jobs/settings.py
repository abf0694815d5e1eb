"""The conf file: TOML, typed, every problem reported at once."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from jobs.errors import PipelineError
from jobs.sinks.codecs import CODECS
from transforms.add_system import DEFAULT_PATTERN, SystemUserIdPattern

_TRIGGER = r"^\d+ (milliseconds?|seconds?|minutes?|hours?)$"


class SettingsError(PipelineError):
    """A conf file that can't be used; the message has one line per problem, each with the key's path."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


def _system_user_id_pattern(pattern: str) -> str:
    SystemUserIdPattern.of(pattern)
    return pattern


def _known_codec(codec: str) -> str:
    if codec not in CODECS:
        raise ValueError(f"must be one of {', '.join(CODECS)}")
    return codec


class SourceSettings(_Section):
    """Where change events come from."""

    stream: str = Field(min_length=1)
    format: Literal["kinesis", "aws-kinesis"] = "kinesis"
    region: str | None = None
    start: str = "LATEST"
    max_records_per_batch: int = Field(200_000, gt=0)
    max_bytes_per_batch: int = Field(128 << 20, gt=0)
    fail_on_data_loss: bool = True


class ArchiveSettings(_Section):
    """Where the archive and the checkpoint are, and how containers are made."""

    uri: str = Field(min_length=1)
    checkpoint: str = Field(min_length=1)
    codec: Annotated[str, AfterValidator(_known_codec)] = "zstandard"
    max_container_bytes: int = Field(128 << 20, ge=1 << 20)
    trigger: str = Field("10 seconds", pattern=_TRIGGER)
    kms_key_id: str | None = None


class CatalogSettings(_Section):
    """The Glue Data Catalog."""

    enabled: bool = False
    database: str | None = Field(None, pattern=r"^[a-z0-9_]{1,255}$")

    @model_validator(mode="after")
    def _named_if_enabled(self) -> "CatalogSettings":
        if self.enabled and self.database is None:
            raise ValueError("database is needed where enabled is true")
        return self


class SystemUserIdSettings(_Section):
    """BR-007: how a systemUserId splits into system.id, databaseId and memberId."""

    pattern: Annotated[str, AfterValidator(_system_user_id_pattern)] = DEFAULT_PATTERN


class Settings(_Section):
    """All of the conf; ``docs/configuration.md`` explains every key."""

    source: SourceSettings
    archive: ArchiveSettings
    catalog: CatalogSettings = CatalogSettings()
    system_user_id: SystemUserIdSettings = SystemUserIdSettings()


def load_settings(path: Path, overrides: Sequence[str] = ()) -> Settings:
    """The settings of a conf file; each override is ``section.key=value`` and wins over the file.

    Raises SettingsError naming every problem.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: can't be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{path}: not TOML: {error}") from error
    for override in overrides:
        _set(values, override)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problems = (
            f"{path}: {_problem(each)}" for each in error.errors(include_input=False, include_url=False)
        )
        raise SettingsError("\n".join(problems)) from None


def _set(values: dict[str, Any], override: str) -> None:
    match = re.fullmatch(r"(\w+)\.(\w+)=(.*)", override, re.DOTALL)
    if not match:
        raise SettingsError(f"--set {override}: write it as section.key=value")
    section, key, text = match.groups()
    values.setdefault(section, {})[key] = _toml_value(text)


def _toml_value(text: str) -> Any:
    """A number or boolean where the text is one in TOML, else the text itself."""
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float | str) else text


def _problem(error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{key}: there is no such key"
    if error["type"] == "missing":
        return f"{key}: is missing"
    return f"{key}: {error['msg'].removeprefix('Value error, ')}"
