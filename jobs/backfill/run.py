"""A run from its beginning, or from where it was, to its end; and the same as a rehearsal."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

import schemas
from jobs.backfill.errors import BackfillError
from jobs.backfill.job import Job
from jobs.backfill.kinds import KINDS
from jobs.backfill.options import Options
from jobs.backfill.progress import Progress
from jobs.backfill.runs import Run, choose_run, finish_run, is_finished, keep_run, lease_key, planned_run
from jobs.backfill.steps import Input, Step
from jobs.backfill.totals import Totals
from jobs.catalog import Catalog, open_catalog
from jobs.lease import Lease
from jobs.plural import plural
from jobs.session import spark_session
from jobs.settings import Settings
from jobs.sinks.records import DeliveryRecord
from jobs.sinks.storage import Storage
from jobs.spark_checks import check_pattern
from jobs.stopping import Stop
from transforms import SystemUserIdPattern

_Numbered = tuple[int, Step]
_Archived = tuple[DeliveryRecord, bool]


def backfill(settings: Settings, options: Options) -> None:
    """Archive the input, or with ``--dry-run`` tell what would be archived. Raises PipelineError."""
    storage = settings.archive.open_archive()
    storage.check()
    source = KINDS[options.kind].open(options, settings, storage)
    id = choose_run(storage, source, new_run=options.new_run)
    if is_finished(storage, id):
        _say([f"run {id} has archived this input already; --new-run archives it once more"])
    elif options.dry_run:
        _rehearse(_job(settings, storage, source, planned_run(storage, id, source)), options)
    else:
        with Stop().on_signals() as stop, Lease(storage, lease_key(source.lease or id)).held() as lease:
            catalog = open_catalog(settings.catalog, storage, schemas.load(), settings.archive.format)
            catalog.ensure_tables()
            job = _job(settings, storage, source, planned_run(storage, id, source))
            stop.listen()
            _archive(job, catalog, options, stop, lease)


def _archive(job: Job, catalog: Catalog, options: Options, stop: Stop, lease: Lease) -> None:
    steps = _begun(job.steps())
    keep_run(job.storage, job.run, job.source, options)
    may_be_interrupted = job.run.begun_before

    def archive(number: int, step: Step) -> _Archived:
        nonlocal may_be_interrupted
        stop.check()
        lease.check()
        record = job.archived(number)
        if record:
            _check_same(number, step, record)
            catalog.register(record.partitions)
            return record, True
        is_interrupted, may_be_interrupted = may_be_interrupted, False
        return job.archive(number, step, catalog, is_interrupted=is_interrupted), False

    totals = _through(job, steps, options, archive)
    if may_be_interrupted:
        job.remove_leftovers(totals.steps)
    finish_run(job.storage, job.run.id, totals.summary())
    _say([f"run {job.run.id} is finished" + ("" if totals.steps else ": there was nothing to archive")])


def _check_same(number: int, step: Step, record: DeliveryRecord) -> None:
    """Raises BackfillError where the step that is archived under the number isn't this one: passing it over could lose events."""
    if json.loads(json.dumps(step.source)) != record.source:
        raise BackfillError(
            f"step {number} of run {record.query_id} is archived already, but of another part of the input: nothing more is "
            "written. Another version of the job makes other steps: finish the run with the version that began it "
            f"(version {record.version}), or archive the input with --new-run and remove what this run wrote"
        )


def _rehearse(job: Job, options: Options) -> None:
    def rehearse(number: int, step: Step) -> _Archived:
        record = job.archived(number)
        found = record or job.rehearse(number, step)
        _say(_objects(found, "archived already" if record else "would be written"))
        return found, record is not None

    totals = _through(job, job.steps(), options, rehearse)
    _say([f"run {job.run.id}: nothing was written"])
    totals.check(options.max_error_rate)


def _begun(steps: Iterator[_Numbered]) -> Iterator[_Numbered]:
    """The steps, the first of which is made already: an input that can't be archived fails before anything is written."""
    first = list(islice(steps, 1))
    return chain(first, steps)


def _through(
    job: Job, steps: Iterator[_Numbered], options: Options, take: Callable[[int, Step], _Archived]
) -> Totals:
    """Every step taken and told; the sums are printed also where a step fails."""
    totals, progress = Totals(), Progress(sys.stderr, job.source.total(job.run.plan))
    try:
        for number, step in steps:
            record, passed = take(number, step)
            totals.add(record, step.files, step.left)
            progress.step(step.files, record.counts.read, passed=passed)
            if not options.dry_run:
                totals.check(options.max_error_rate)
    finally:
        progress.end()
        if totals.steps:
            _say(totals.lines(dates=options.dry_run))
    return totals


def _job(settings: Settings, storage: Storage, source: Input, run: Run) -> Job:
    pattern = SystemUserIdPattern.of(settings.system_user_id.pattern)
    spark = spark_session("dmd-backfill")
    check_pattern(spark, pattern)
    return Job(spark, storage, settings.archive, schemas.load(), pattern, source, run)


def _objects(record: DeliveryRecord, what: str) -> Iterable[str]:
    objects = [(one.storage, one.count, one.bytes) for one in record.deliveries]
    objects += [(one.storage, one.count, one.bytes) for one in record.errors]
    for place, count, size in objects:
        yield f"{what}: {place['key']} ({plural(count, 'change event')}, {plural(size, 'byte')})"


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, flush=True)
