"""The emulated AWS behind a proxy that can be made to fail, and jobs that see nothing but the proxy."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jobs.demo.emulator import Emulator
from tests.emulators import kinesis_mock
from tests.faults.proxy import Proxy, proxy_of
from tests.jobs.conftest import aws, bucket, job, producer
from tests.jobs.job import Job

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
