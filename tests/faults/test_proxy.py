"""The proxy in front of the emulated services harms nothing that its rules don't name."""

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from jobs.demo.emulator import Emulator
from tests.faults.proxy import Proxy


@pytest.mark.parametrize("arrived", [b"", b"0123"])
def test_a_body_cut_by_its_senders_death_is_never_stored(
    aws: Emulator, proxy: Proxy, bucket: Callable[[], str], arrived: bytes
) -> None:
    name, at = bucket(), urlsplit(proxy.url)
    with socket.create_connection((at.hostname, at.port), timeout=10) as sender:
        head = f"PUT /{name}/a HTTP/1.1\r\nHost: {at.netloc}\r\nContent-Length: 10\r\n\r\n"
        sender.sendall(head.encode() + arrived)
        sender.shutdown(socket.SHUT_WR)
        while sender.recv(1_000):
            pass
    assert aws.client("s3").list_objects_v2(Bucket=name)["KeyCount"] == 0
