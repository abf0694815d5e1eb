"""Runs of an application: which are live, and how one is cancelled and waited for."""

import sys
import time
from collections.abc import Callable
from typing import Any

from jobs.errors import PipelineError

LIVE = ("SUBMITTED", "PENDING", "SCHEDULED", "RUNNING", "QUEUED", "CANCELLING")
# The longest batch is waited for and its commit; a batch that is cut off is replayed to the same names and bytes.
GRACE_SECONDS = 600
_CANCEL_SECONDS = GRACE_SECONDS + 300.0


class RunError(PipelineError):
    """A run failed, or didn't get where it should in time."""


class AlreadyLive(PipelineError):
    """The application has a live run, and only one may be."""


def live_runs(client: Any, application: str) -> list[str]:
    """The ids of the application's live runs, whoever started them."""
    pages = client.get_paginator("list_job_runs").paginate(applicationId=application, states=list(LIVE))
    try:
        return [run["id"] for page in pages for run in page["jobRuns"]]
    except client.exceptions.ResourceNotFoundException:
        return []  # The start itself says it where the application is missing.


def cancel(client: Any, application: str, run: str) -> None:
    """Cancel the run, with time for the batch that it is in, and wait for its end. Raises RunError."""
    _say(f"cancelling {run}; it has {GRACE_SECONDS} s to finish its batch")
    client.cancel_job_run(applicationId=application, jobRunId=run, shutdownGracePeriodInSeconds=GRACE_SECONDS)
    await_state(client, application, run, lambda state: state not in LIVE, _CANCEL_SECONDS)


def await_state(
    client: Any,
    application: str,
    run: str,
    reached: Callable[[str], bool],
    seconds: float | None = None,
) -> str:
    """Wait until the run is in such a state, for ever without ``seconds``; returns it. Raises RunError."""
    began = time.monotonic()
    before = ""
    while True:
        answer = client.get_job_run(applicationId=application, jobRunId=run)["jobRun"]
        state = str(answer["state"])
        if state != before:
            _say(f"{run} is {state} {answer.get('stateDetails') or ''}".rstrip())
            before = state
        if reached(state):
            return state
        waited = time.monotonic() - began
        if seconds is not None and waited > seconds:
            raise RunError(f"the run {run} is still {state} after {seconds:g} s: look at it, then try again")
        time.sleep(pause(waited))


def pause(waited: float) -> float:
    """Seconds until the next look at a run that was waited for so long: what it does is noticed a tenth late, or 10 s.

    >>> [pause(waited) for waited in (0, 20, 3600)]
    [1.0, 2.0, 10.0]
    """
    return min(max(1.0, waited / 10), 10.0)


def _say(text: str) -> None:
    # Standard output is the result's.
    print(f"submit: {text}", file=sys.stderr, flush=True)
