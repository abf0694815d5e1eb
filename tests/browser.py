"""A headless Chromium, spoken to through two pipes in its DevTools protocol."""

import fcntl
import json
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BUNDLED = Path(__file__).parents[1] / ".venv" / "chromium"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A bare server has no font at all.
FONTS = f"""<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{BUNDLED / "fonts"}</dir><dir>/usr/share/fonts</dir><cachedir prefix="cwd">fonts</cachedir></fontconfig>"""
ON_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
SECONDS = 60.0
PHONE = (390, 844)


def command() -> list[str]:
    """The browser: the one that `make setup` unpacks on Linux, elsewhere the machine's own."""
    if (platform.system(), platform.machine()) == ("Linux", "x86_64"):
        return [str(BUNDLED / "chromium")]
    found = next(filter(None, map(shutil.which, NAMES)), ON_MAC)
    assert Path(found).exists(), "install Chrome or Chromium: the tests look at pages with it"
    return [found]


class Browser:
    """A page in a running browser; its console's errors and what it asked of a network are kept."""

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back = to, os.fdopen(back, "rb")
        self._number, self._session = 0, ""
        self.errors: list[str] = []
        self.requests: list[str] = []
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable")

    def open(self, page: Path, *, dark: bool = False, size: tuple[int, int] = (1280, 900)) -> None:
        """Load a file in a window of that size, for somebody who likes light or dark."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", features=[scheme])
        width, height = size
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=size == PHONE,
        )
        self.errors.clear()
        self.requests.clear()
        self._ask("Page.navigate", url=page.as_uri())
        self.wait_for("document.readyState === 'complete'")

    def wait_for(self, condition: str) -> None:
        """Wait until a JavaScript expression is true."""
        until = time.monotonic() + SECONDS
        while not self.ask(condition):
            assert time.monotonic() < until, f"{condition} didn't come true; {self.errors}"
            time.sleep(0.05)

    def ask(self, expression: str) -> Any:
        """What a JavaScript expression is, as JSON."""
        answer = self._ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def _ask(self, method: str, **params: Any) -> Any:
        self._number += 1
        session = {"sessionId": self._session} if self._session else {}
        message = {"id": self._number, "method": method, "params": params, **session}
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            told = self._told()
            if told.get("id") == self._number:
                assert "error" not in told, told["error"]
                return told["result"]
            self._note(told)

    def _told(self) -> Any:
        text = bytearray()
        while (byte := self._back.read(1)) != b"\0":
            assert byte, "the browser ended"
            text += byte
        return json.loads(text)

    def _note(self, event: Any) -> None:
        method, params = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.errors.append(str(params["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.errors.append(str(params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.errors.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])


def _out_of_the_way(descriptor: int) -> int:
    """The same pipe under a number beyond those that the browser expects."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10)
    os.close(descriptor)
    return moved


@contextmanager
def browser() -> Iterator[Browser]:
    """Start a browser; it is gone when the block ends."""
    theirs, ours = os.pipe()
    back, answers = os.pipe()
    theirs, answers = _out_of_the_way(theirs), _out_of_the_way(answers)
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as scratch:
        arguments = ["--headless", "--no-sandbox", "--remote-debugging-pipe", f"--user-data-dir={scratch}"]
        fonts = Path(scratch, "fonts.conf")
        fonts.write_text(FONTS)
        libraries = f"{BUNDLED / 'lib'}:{BUNDLED}"
        # Chromium reads from descriptor 3 and writes to 4.
        shell = ["bash", "-c", f'exec "$0" "$@" 3<&{theirs} 4>&{answers}', *command(), *arguments]
        process = subprocess.Popen(
            shell,
            pass_fds=(theirs, answers),
            env={**os.environ, "LD_LIBRARY_PATH": libraries, "FONTCONFIG_FILE": str(fonts), "HOME": scratch},
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        os.close(answers)
        try:
            yield Browser(ours, back)
        finally:
            process.kill()
            process.wait(20)
            os.close(ours)
