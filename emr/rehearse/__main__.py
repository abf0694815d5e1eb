"""``python -m emr.rehearse``: a deployment on this machine, from the stack to the audited archive, by the real commands."""

import argparse
import platform
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from emr import package
from emr.rehearse.cloud import emulated_aws
from emr.rehearse.play import Rehearsal, RehearsalError, say
from emr.rehearse.worker import Workers, image
from emr.settings import EmrSettings, load
from jobs.command_line import exit_code
from jobs.demo.output import fresh

OUTPUT = Path("rehearsal-output")
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Play it; 0 where everything came out as it must, 1 where not: the last line says where it broke."""
    parser = argparse.ArgumentParser(
        prog="python -m emr.rehearse", description=(__doc__ or "").replace("``", "`")
    )
    parser.add_argument(
        "--env", default="prod", metavar="ENV", help="whose conf: conf/ENV.toml (default: prod)"
    )
    parser.add_argument("--events", type=int, default=2000, metavar="N", help="change events (default: 2000)")
    options = parser.parse_args(arguments)
    # A SIGTERM ends it as Ctrl-C does, so that nothing that it started stays behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return exit_code("rehearse", lambda: _rehearse(options.env, options.events))
    except KeyboardInterrupt:
        print("rehearse: interrupted", file=sys.stderr)
        return 130


def _rehearse(env: str, count: int) -> int:
    settings, emr = load(package.ROOT / "conf" / f"{env}.toml")
    architecture = _architecture(emr)
    output = fresh(OUTPUT, "emr.rehearse").resolve()
    say(f"packaging the release for Python {PYTHON} on {architecture} into {OUTPUT}/dist")
    package.make(output / "dist", PYTHON, [architecture])
    (output / "conf").symlink_to(package.ROOT / "conf")
    environment = image(output / "image", PYTHON)
    with (
        emulated_aws(settings.source.region or "us-east-1") as cloud,
        Workers(cloud, output / "runs", environment) as workers,
    ):
        say(f"emulated AWS at {cloud.url}")
        Rehearsal(cloud, workers, output, env, settings, emr).play(count)
    return 0


def _architecture(emr: EmrSettings) -> str:
    """This machine's, which must be that of the conf: the release's packages run here. Raises RehearsalError."""
    wanted = emr.architecture.lower()
    here = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    if platform.system() != "Linux" or here != wanted:
        raise RehearsalError(
            f"conf says emr.architecture {emr.architecture}, whose packages don't run on {platform.system()} {here}: "
            "rehearse on a Linux of that architecture, or change the conf"
        )
    return wanted


if __name__ == "__main__":
    sys.exit(main())
