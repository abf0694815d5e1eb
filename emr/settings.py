"""What the conf says of EMR Serverless: its section ``[emr]``, which no job reads."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from emr.release import Architecture
from jobs.settings import Settings, SettingsError, load_settings

# What EMR Serverless sells: vCPU of a worker, and the memory that it may have (GB).
_WORKERS = {1: (2, 8), 2: (4, 16), 4: (8, 30), 8: (16, 60), 16: (32, 120)}


class EmrSettings(BaseModel):
    """The stack, and the size of the workers of every run; ``docs/configuration.md`` explains every key."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    stack: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,127}$")
    architecture: Architecture = "X86_64"
    driver_cores: int = 2
    driver_memory_gb: int = 8
    executors: int = Field(1, ge=1)
    executor_cores: int = 2
    executor_memory_gb: int = 8
    prometheus_url: str | None = Field(None, pattern=r"^https://aps-workspaces\..+/api/v1/remote_write$")
    parameters: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _workers_are_sold(self) -> "EmrSettings":
        for worker in ("driver", "executor"):
            cores, memory = getattr(self, f"{worker}_cores"), getattr(self, f"{worker}_memory_gb")
            low, high = _WORKERS.get(cores, (0, 0))
            if not low:
                raise ValueError(f"{worker}_cores must be one of {', '.join(map(str, _WORKERS))}")
            if not low <= memory <= high:
                raise ValueError(f"{worker}_memory_gb must be {low} to {high} for {cores} vCPU")
        return self


def load(conf: Path) -> tuple[Settings, EmrSettings]:
    """The conf and its section ``[emr]``. Raises SettingsError naming every problem, also what a stack can't serve."""
    settings = load_settings(conf)
    if not settings.emr:
        raise SettingsError(f"{conf}: [emr] is missing: name the stack there, see docs/configuration.md")
    if unserved := list(_unserved(settings)):
        raise SettingsError("\n".join(f"{conf}: {each}" for each in unserved))
    try:
        return settings, EmrSettings.model_validate(settings.emr)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        raise SettingsError("\n".join(f"{conf}: {_problem(each)}" for each in found)) from error


def _unserved(settings: Settings) -> Iterator[str]:
    """What is right in a conf and would fail only at run time, by the rights and files that runs have."""
    if settings.source.format != "kinesis":
        yield (
            f"source.format: must be kinesis on EMR Serverless: for {settings.source.format} "
            "releases lack the jar and the stack's roles the rights"
        )
    tables, uri = f"{settings.archive.uri.rstrip('/')}/latest", settings.latest.uri
    if uri is not None and not f"{uri.rstrip('/')}/".startswith(f"{tables}/"):
        yield f"latest.uri: must be {tables} or below it, where the stack's roles may write: leave it out"


def _problem(error: Any) -> str:
    key = ".".join(["emr", *map(str, error["loc"])])
    return f"{key}: {error['msg'].removeprefix('Value error, ')}"
