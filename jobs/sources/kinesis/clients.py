"""Clients of Kinesis: for the source's threads, and one for the driver."""

import binascii
import os
from typing import TYPE_CHECKING, cast

from jobs.sources.kinesis.answers import explained

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient


def make_client(region: str | None, attempts: int, connections: int) -> "KinesisClient":
    """A client that makes a call so often at most, and whose answers hold timestamps as epoch seconds.

    That costs a fraction of parsing datetimes. Endpoint and credentials come from the standard AWS environment, the
    region too where it is None. Raises botocore's errors where nothing says which region.
    """
    # Imported here, so that of the processes that Spark starts for a source only those that read wait for it.
    import botocore.session
    from botocore.config import Config

    session = botocore.session.Session()
    parsers = session.get_component("response_parser_factory")
    parsers.set_parser_defaults(timestamp_parser=float, blob_parser=binascii.a2b_base64)
    config = Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=connections,
        connect_timeout=10,
        read_timeout=30,
    )
    region = region or os.environ.get("AWS_REGION")
    return cast("KinesisClient", session.create_client("kinesis", region_name=region, config=config))


def kinesis_client(region: str | None = None, attempts: int = 5) -> "KinesisClient":
    """A client for a few calls of the driver, with the same idea of region, endpoint and credentials as the source has.

    Raises KinesisUnavailable where nothing says which region.
    """
    with explained(""):
        return make_client(region, attempts, 10)
