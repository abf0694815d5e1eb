"""First half of `make setup`: the Python environment. Runs on any Python from 3.9, with nothing installed.

Makes `.venv`, puts the pinned uv into it, has uv install everything that requirements.lock names, checked by
hash, and hands over to setup.py inside the new environment. What is in place already isn't done again: a
stamp file holds the digest of what a step was made from.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Union

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
LOCK = ROOT / "requirements.lock"
LOCK_NAME = ".setup-lock"  # not .lock: uv locks .venv/.lock itself, and would wait for ours
Command = Sequence[Union[str, Path]]
PYTHON_NEEDED = "Python 3.11 or newer with its venv module"


class SetupError(Exception):
    """A step failed; the message is the one line that the person at the terminal gets."""


def main() -> None:
    """Bring the Python environment up to date, then run setup.py in it, under a lock."""
    VENV.mkdir(exist_ok=True)
    lock = os.open(VENV / LOCK_NAME, os.O_CREAT | os.O_RDWR)
    # It outlives this process on purpose: exec below hands it on to setup.py.
    os.set_inheritable(lock, True)
    fcntl.flock(lock, fcntl.LOCK_EX)
    step("venv", [], [PYTHON], _make_venv)
    step("packages", [LOCK], [PYTHON, UV], _packages)
    step("project", [LOCK, ROOT / "pyproject.toml"], [], _project)
    os.execv(PYTHON, [str(PYTHON), str(ROOT / ".ci" / "setup.py")])


def step(name: str, sources: Sequence[Path], results: Sequence[Path], action: Callable[[], str]) -> None:
    """Run `action` unless the step's stamp says that `results` were made from these very `sources`."""
    stamp = VENV / f".stamp-{name}"
    key = _digest(sources)
    if stamp.is_file() and stamp.read_text() == key and all(result.exists() for result in results):
        return
    stamp.unlink(missing_ok=True)
    started = time.monotonic()
    outcome = action()
    print(f"setup: {outcome} ({time.monotonic() - started:.0f} s)", flush=True)
    stamp.write_text(key)


def run(command: Command, *, tries: int = 1, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """Run a command quietly; its output is shown only where it fails for good.

    `tries` is for commands that fetch something: a registry that hiccups once needn't be anyone's business.
    """
    for attempt in range(1, tries + 1):
        done = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=cwd,
            env=env,
        )
        if done.returncode == 0:
            return done.stdout
        if attempt < tries:
            time.sleep(2 * attempt)
    print("\n".join(done.stdout.splitlines()[-20:]), file=sys.stderr)
    raise SetupError(f"`{Path(command[0]).name} {command[1]} …` failed; its last lines are above")


def apt_install(*alternatives: str) -> bool:
    """Install the first of these Debian packages that there is, if it can be done without asking; tell whether."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    print(f"setup: {alternatives[0]} is missing, asking apt-get for it", flush=True)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-q"], tries=3, env=env)
    for package in alternatives:
        if subprocess.run(["apt-cache", "show", package], capture_output=True, check=False).returncode == 0:
            run(["apt-get", "install", "-q", "-y", "--no-install-recommends", package], tries=2, env=env)
            return True
    return False


def _digest(sources: Sequence[Path]) -> str:
    # The root is part of it: an environment that was copied or moved has to be made anew.
    whole = hashlib.sha256(str(ROOT).encode())
    for source in sources:
        whole.update(hashlib.sha256(source.read_bytes()).digest())
    return whole.hexdigest()


def _packages() -> str:
    # A package that was cut off in the middle looks installed: after an unfinished run nothing is believed.
    unfinished = VENV / ".unfinished"
    doubt = ["--reinstall"] if unfinished.exists() else []
    unfinished.touch()
    pip: Command = [
        PYTHON,
        "-m",
        "pip",
        "--quiet",
        "--disable-pip-version-check",
        "install",
        "--force-reinstall",
    ]
    run([*pip, "--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", _pin_of_uv()], tries=2)
    sync: Command = [UV, "pip", "sync", "--quiet", "--python", PYTHON, "--require-hashes"]
    # Compiled now: where Python may not keep what it compiles (PYTHONDONTWRITEBYTECODE), each process would do it again.
    # PySpark comes as source: what builds it is pinned by the same lock.
    run([*sync, "--compile-bytecode", *doubt, "--build-constraints", LOCK, LOCK], tries=2)
    unfinished.unlink()
    count = sum(1 for line in LOCK.read_text().splitlines() if line[:1].isalnum())
    return f"{count} pinned Python packages"


def _project() -> str:
    editable: Command = ["--no-deps", "--no-build-isolation", "--editable", ROOT]
    run([UV, "pip", "install", "--quiet", "--python", PYTHON, *editable])
    return "this project itself"


def _pin_of_uv() -> Path:
    lines = LOCK.read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("uv=="))
    last = next(number for number in range(first, len(lines)) if not lines[number].endswith("\\"))
    pin = VENV / "uv.txt"
    pin.write_text("\n".join(lines[first : last + 1]) + "\n")
    return pin


def _make_venv() -> str:
    # Not `venv --clear`: that would remove the lock that this process holds.
    for entry in VENV.iterdir():
        if entry.name == LOCK_NAME:
            continue
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    base = _base_python()
    if base:
        run([base, "-m", "venv", VENV])
    elif shutil.which("uv"):
        run(["uv", "venv", "--quiet", "--seed", "--allow-existing", "--python", ">=3.11", VENV], tries=2)
    else:
        raise SetupError(f"{PYTHON_NEEDED} is needed: {_python_advice()}")
    return f".venv on {run([PYTHON, '--version']).strip()}"


def _base_python() -> str | None:
    names = ("python3.13", "python3.12", "python3.11", "python3.14")
    own = getattr(sys, "_base_executable", sys.executable)
    found = [own, *(path for path in map(shutil.which, names) if path)]
    for path in found:
        if _works(path, "import sys, ensurepip, venv; assert sys.version_info >= (3, 11)"):
            return path
    if sys.version_info >= (3, 11) and apt_install("python3-venv"):
        return own
    return None


def _python_advice() -> str:
    if sys.platform == "darwin":
        return "brew install python@3.13"
    if shutil.which("apt-get"):
        return "sudo apt-get install python3-venv (where python3 is older than 3.11, install uv instead)"
    return "install it with your package manager, or install uv"


def _works(python: str | Path, code: str) -> bool:
    try:
        return subprocess.run([str(python), "-c", code], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    try:
        main()
    except SetupError as error:
        sys.exit(f"setup: {error}")
