"""The conf file: TOML, typed, every problem reported at once."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from jobs.errors import PipelineError
from jobs.instants import from_iso
from jobs.sinks.codecs import CODECS
from jobs.sinks.failures import BadArchiveUri, StorageError
from jobs.sinks.formats import MAX_CONTAINER_BYTES, Containers
from jobs.sinks.parquet import COMPRESSION
from jobs.sinks.storage import ATTEMPTS, TIMEOUT_SECONDS, Storage, open_storage
from transforms.add_system import DEFAULT_PATTERN, SystemUserIdPattern

_TRIGGER = r"^\d+ (milliseconds?|seconds?|minutes?|hours?)$"


class SettingsError(PipelineError):
    """A conf file that can't be used; the message has one line per problem, each with the key's path."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


def _system_user_id_pattern(pattern: str) -> str:
    SystemUserIdPattern.of(pattern)
    return pattern


def _storage_uri(uri: str) -> str:
    try:
        open_storage(uri)
    except BadArchiveUri:
        raise ValueError("must be s3://bucket/prefix or a local directory") from None
    return uri


def _start(start: str) -> str:
    if start not in ("LATEST", "TRIM_HORIZON"):
        try:
            from_iso(start)
        except ValueError:
            raise ValueError("must be LATEST, TRIM_HORIZON or an ISO-8601 instant") from None
    return start


class SourceSettings(_Section):
    """Where change events come from."""

    stream: str = Field(min_length=1)
    format: Literal["kinesis", "aws-kinesis"] = "kinesis"
    region: str | None = None
    start: Annotated[str, AfterValidator(_start)] = "LATEST"
    max_records_per_batch: int = Field(200_000, gt=0)
    max_bytes_per_batch: int = Field(128 << 20, gt=0)
    fail_on_data_loss: bool = True
    retry_attempts: int = Field(10, gt=0)


class ArchiveSettings(_Section):
    """Where the archive and the checkpoint are, and how containers are made."""

    uri: Annotated[str, AfterValidator(_storage_uri)]
    checkpoint: Annotated[str, AfterValidator(_storage_uri)]
    format: Literal["avro", "parquet"] = "avro"
    codec: str = "zstandard"
    max_container_bytes: int = Field(MAX_CONTAINER_BYTES, ge=1 << 20)
    trigger: str = Field("10 seconds", pattern=_TRIGGER)
    kms_key_id: str | None = None
    retry_attempts: int = Field(ATTEMPTS, gt=0)
    timeout_seconds: int = Field(TIMEOUT_SECONDS, gt=0)

    @field_validator("codec")
    @classmethod
    def _of_the_format(cls, codec: str, info: ValidationInfo) -> str:
        known = COMPRESSION if info.data.get("format") == "parquet" else CODECS
        if codec not in known:
            raise ValueError(f"must be one of {', '.join(known)}")
        return codec

    @property
    def containers(self) -> Containers:
        """What containers are like."""
        return Containers(self.format, self.codec, self.max_container_bytes)

    def open_archive(self) -> Storage:
        """The archive's storage, with the conf's key and bounds."""
        return self.open(self.uri)

    def open_checkpoint(self) -> Storage:
        """The checkpoint's storage, likewise."""
        return self.open(self.checkpoint)

    def open(self, uri: str) -> Storage:
        """Any other storage that belongs to the archive, likewise."""
        return open_storage(
            uri, self.kms_key_id, attempts=self.retry_attempts, timeout_seconds=self.timeout_seconds
        )


class CatalogSettings(_Section):
    """The Glue Data Catalog."""

    enabled: bool = False
    database: str | None = Field(None, pattern=r"^[a-z0-9_]{1,255}$", validate_default=True)
    retry_attempts: int = Field(4, gt=0)

    @field_validator("database")
    @classmethod
    def _named_if_enabled(cls, database: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("enabled") and database is None:
            raise ValueError("is needed where catalog.enabled is true")
        return database


class SystemUserIdSettings(_Section):
    """BR-007: how a systemUserId splits into system.id, databaseId and memberId."""

    pattern: Annotated[str, AfterValidator(_system_user_id_pattern)] = DEFAULT_PATTERN


class LatestSettings(_Section):
    """The tables of the latest state (``jobs.latest``); without ``uri`` they are below the archive."""

    uri: Annotated[str | None, AfterValidator(_storage_uri)] = None
    buckets: int = Field(64, ge=1, le=4096)
    trigger_seconds: int = Field(60, ge=0)
    retention_hours: int = Field(24, ge=0)
    lookback_hours: int = Field(48, ge=0)
    sweep_hours: int = Field(24, ge=0)


class MetricsSettings(_Section):
    """The metrics of every batch, for CloudWatch."""

    enabled: bool = False
    namespace: str = Field("DmdPipeline", pattern=r"^[A-Za-z0-9._/#-]{1,255}$")


class Settings(_Section):
    """All of the conf; ``docs/configuration.md`` explains every key. ``emr`` is read by ``emr.settings`` alone."""

    emr: dict[str, Any] = Field(default_factory=dict)
    source: SourceSettings
    archive: ArchiveSettings
    catalog: CatalogSettings = CatalogSettings()
    system_user_id: SystemUserIdSettings = SystemUserIdSettings()
    metrics: MetricsSettings = MetricsSettings()
    latest: LatestSettings = LatestSettings()

    def open_latest(self) -> Storage:
        """The storage of the latest-state tables."""
        return self.archive.open(self.latest.uri or f"{self.archive.uri.rstrip('/')}/latest")


def load_settings(path: Path | str, overrides: Sequence[str] = ()) -> Settings:
    """The settings of a conf file, also one on S3; each override is ``section.key=value`` and wins over the file.

    Raises SettingsError naming every problem.
    """
    try:
        values = tomllib.loads(_text(str(path)))
    except OSError as error:
        raise SettingsError(f"{path}: can't be read: {error.strerror}") from error
    except StorageError as error:
        raise SettingsError(f"{path}: can't be read: {error.message}") from error
    except ValueError as error:
        raise SettingsError(f"{path}: not TOML: {error}") from error
    problems = [problem for override in overrides if (problem := _set(values, override))]
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        problems += [f"{path}: {_problem(each)}" for each in found]
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def _text(path: str) -> str:
    if not path.startswith("s3://"):
        return Path(path).read_text(encoding="utf-8")
    folder, _, name = path.rpartition("/")
    return open_storage(folder).get(name).decode()


def _set(values: dict[str, Any], override: str) -> str | None:
    """Put the override into the values; returns what is wrong with it, if anything is."""
    match = re.fullmatch(r"(\w+)\.(\w+)=(.*)", override, re.DOTALL)
    if not match:
        return f"--set {override}: write it as section.key=value"
    section, key, text = match.groups()
    table = values.setdefault(section, {})
    # What isn't a table is told as a problem of the file.
    if isinstance(table, dict):
        table[key] = _toml_value(text)
    return None


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
    if error["type"] == "model_type":
        return f"{key}: must be a section, [{key}]"
    return f"{key}: {error['msg'].removeprefix('Value error, ')}"
