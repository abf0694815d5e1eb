"""Clients of AWS by the standard environment, and their errors in one line."""

from collections.abc import Callable
from typing import Any

from jobs.errors import PipelineError
from jobs.settings import Settings


class AwsError(PipelineError):
    """AWS refused a call, or can't be reached."""


def client(service: str, settings: Settings) -> Any:
    """A boto3 client in the stream's region."""
    import boto3

    return boto3.client(service, region_name=settings.source.region)  # type: ignore[call-overload]


def told(command: Callable[[], int]) -> int:
    """What the command returns. Raises AwsError for an error of boto3."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return command()
    except (BotoCoreError, ClientError) as error:
        raise AwsError(f"AWS: {' '.join(str(error).split())}") from error
