"""The emulated AWS behind a proxy that can be made to fail, and jobs that see nothing but the proxy."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from jobs.demo.emulator import Emulator
from tests.emulators import kinesis_mock
from tests.faults.proxy import Proxy, proxy_of
from tests.jobs.archived import Archived
from tests.jobs.conftest import aws, bucket, job, producer
from tests.jobs.job import Job
from tests.jobs.ledger import Producer

__all__ = ["aws", "bucket", "job", "kinesis_mock", "producer"]


@pytest.fixture(scope="module")
def proxy(aws: Emulator) -> Iterator[Proxy]:
    """In front of all of the emulated AWS."""
    with proxy_of(aws.url) as running:
        yield running


@pytest.fixture(scope="module")
def proxied_job(aws: Emulator, proxy: Proxy, job: Callable[..., Job]) -> Callable[..., Job]:
    """Makes a job whose AWS is the proxy."""

    def make(stream: str, **values: Any) -> Job:
        return job(stream, {**aws.environment(), "AWS_ENDPOINT_URL": proxy.url}, **values)

    return make


class OnS3(NamedTuple):
    """A stream, a job that archives it on S3 behind the proxy, and what reads that archive."""

    source: Producer
    job: Job
    archived: Callable[[], Archived]


@pytest.fixture(scope="module")
def on_s3(
    aws: Emulator,
    proxied_job: Callable[..., Job],
    producer: Callable[[int], Producer],
    bucket: Callable[[], str],
) -> Callable[..., OnS3]:
    """Makes a stream of so many shards and what belongs to it, in a bucket of its own; ``values`` are those of the conf."""

    def make(shards: int, prefix: str, **values: Any) -> OnS3:
        source, name, s3 = producer(shards), bucket(), aws.client("s3")
        archiving = proxied_job(source.stream, uri=f"s3://{name}/{prefix}", **values)
        return OnS3(source, archiving, lambda: Archived.in_bucket(s3, name, prefix))

    return make
