"""Killing the job at a chosen instant: at a request to a service, which is held until every process is gone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.faults.processes import kill_tree
from tests.faults.proxy import Proxy, Rule, after, before
from tests.jobs.job import SECONDS, Finished, Job, Running

MakeRule = Callable[[Callable[[], object]], Rule]


def on_arrival(*, method: str = "", path: str = "", target: str = "", skip: int = 0) -> MakeRule:
    """Kill when such a request arrives, before the service sees it or any like it."""
    return lambda kill: Rule(before(kill), method, path, target, skip, times=None)


def once_done(*, method: str = "", path: str = "", target: str = "", skip: int = 0) -> MakeRule:
    """Kill when the service has done what such a request asks for, before the job knows."""
    return lambda kill: Rule(after(kill), method, path, target, skip, times=None)


@contextmanager
def being_killed(
    job: Job, proxy: Proxy, rule: MakeRule, *arguments: str, **environment: str
) -> Iterator[Running]:
    """Start the job and, after the block, let the rule kill it; fails where it ends otherwise."""
    with job.started(*arguments, **environment) as running:
        proxy.rules = [rule(lambda: kill_tree(running.process.pid))]
        try:
            yield running
            finished = running.end(None, SECONDS)
        finally:
            proxy.rules = []
    assert finished.code == -9, finished.err or finished.out


def run_killed(job: Job, proxy: Proxy, rule: MakeRule, *arguments: str, **environment: str) -> None:
    """Start the job and let the rule kill it; fails where it ends otherwise."""
    with being_killed(job, proxy, rule, *arguments, **environment):
        pass


def killed(running: Running) -> Finished:
    """Kill the job and all its processes now."""
    running.kill()
    return running.end()
