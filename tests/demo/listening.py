"""Whether somebody listens at an address."""

import socket
import time


def listens(url: str) -> bool:
    host, port = url.removeprefix("http://").split(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def ends(url: str) -> bool:
    for _ in range(100):
        if not listens(url):
            return True
        time.sleep(0.1)
    return False
