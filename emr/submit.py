"""``python -m emr.submit JOB --env ENV``: starts a run of a job on EMR Serverless, from the files of ``make package``."""

import argparse
import json
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emr import artifacts, runs
from emr.aws import client, told
from emr.job_run import JOBS, start_job_run
from emr.release import DIST, Release
from emr.settings import EmrSettings, load
from emr.stack import Stack, StackError, expected_stack, read_stack
from jobs.command_line import exit_code
from jobs.settings import Settings

CONF = Path("conf")


def main(arguments: Sequence[str] | None = None) -> int:
    """Start, replace or stop a run; 0 when it is as asked, 1 when not, 2 for a wrong command line or conf."""
    options = _options(arguments)
    return exit_code("submit", lambda: told(lambda: _submit(options)))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m emr.submit",
        usage="%(prog)s JOB --env ENV [options] [-- what the job itself is told]",
        description=(__doc__ or "").replace("``", "`"),
    )
    parser.add_argument("job", choices=list(JOBS))
    parser.add_argument("--env", required=True, metavar="ENV", help="whose conf: conf/ENV.toml")
    parser.add_argument("--release", metavar="HASH", help="an earlier release, not the one in dist/")
    parser.add_argument("--wait", action="store_true", help="a stream: until it runs; others: until they end")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--dry-run", action="store_true", help="print the request as JSON, and start nothing"
    )
    instead.add_argument(
        "--offline",
        action="store_true",
        help="as --dry-run, with made-up ids: needs no account",
    )
    instead.add_argument("--redeploy", action="store_true", help="archive: replace the live run")
    instead.add_argument("--stop", action="store_true", help="archive: end the live run, start none")
    words = list(sys.argv[1:] if arguments is None else arguments)
    end = words.index("--") if "--" in words else len(words)
    options = parser.parse_args(words[:end], argparse.Namespace(arguments=words[end + 1 :]))
    if (options.redeploy or options.stop) and options.job != "archive":
        parser.error("--redeploy and --stop are for the archive: other runs end by themselves")
    return options


def _submit(options: argparse.Namespace) -> int:
    conf = CONF / f"{options.env}.toml"
    settings, emr = load(conf)
    if options.stop:
        return _stop(settings, _stack(settings, emr))
    stack = expected_stack(settings, emr) if options.offline else _stack(settings, emr).fits(settings, emr)
    release = artifacts.chosen(options.release, DIST, stack["ArtifactsUri"])
    request = {
        **start_job_run(options.job, release, conf.name, stack, settings, emr, options.arguments),
        "clientToken": str(uuid.uuid4()),
    }
    if options.dry_run or options.offline:
        print(json.dumps(request, indent=2))
        return 0
    return _start(options, settings, release, stack, request)


def _stack(settings: Settings, emr: EmrSettings) -> Stack:
    stack = read_stack(client("cloudformation", settings), emr.stack)
    if stack is None:
        raise StackError(f"there is no stack {emr.stack}: make it by `emr.deploy`")
    return stack


def _start(
    options: argparse.Namespace, settings: Settings, release: Release, stack: Stack, request: dict[str, Any]
) -> int:
    serverless, application = client("emr-serverless", settings), request["applicationId"]
    live = runs.live_runs(serverless, application) if options.job == "archive" else []
    if live and not options.redeploy:
        raise runs.AlreadyLive(
            f"the archive runs already ({', '.join(live)}), and two must not share a checkpoint: "
            "--redeploy replaces it, --stop ends it"
        )
    if not options.release:
        artifacts.upload(release, DIST, stack["ArtifactsUri"])
    for run in live:
        runs.cancel(serverless, application, run)
    run = serverless.start_job_run(**request)["jobRunId"]
    print(json.dumps({"applicationId": application, "jobRunId": run, "release": release.name}))
    return _wait(serverless, request, run) if options.wait else 0


def _wait(serverless: Any, request: dict[str, Any], run: str) -> int:
    wanted = ("RUNNING", "SUCCESS") if request["mode"] == "STREAMING" else ("SUCCESS",)
    state = runs.await_state(
        serverless, request["applicationId"], run, lambda state: state in wanted or state not in runs.LIVE
    )
    if state not in wanted:
        raise runs.RunError(f"the run {run} is {state}: its log says why, see emr/RUNBOOK.md")
    return 0


def _stop(settings: Settings, stack: Stack) -> int:
    serverless, application = client("emr-serverless", settings), stack[JOBS["archive"].application]
    for run in runs.live_runs(serverless, application):
        runs.cancel(serverless, application, run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
