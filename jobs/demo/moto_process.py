"""The process behind `jobs.demo.emulator`: serves moto on a free port of the host given, until its input ends."""

from __future__ import annotations

import logging
import sys


def main(host: str) -> int:
    """Serve moto on `host`, print the address once it listens, and return when standard input closes."""
    try:
        from moto.server import ThreadedMotoServer
    except ImportError as error:
        print(
            f"moto is not installed ({error}): run `make setup`, or pip install 'moto[server]'",
            file=sys.stderr,
        )
        return 1
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address=host, port=0, verbose=False)
    server.start()
    address, port = server.get_host_and_port()
    print(f"http://{address}:{port}", flush=True)
    sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
