"""``python -m jobs.verify``: audits the archive; changes nothing in it."""

import argparse
import sys
import traceback
from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame, SparkSession

import schemas
from jobs.catalog import open_catalog
from jobs.command_line import conf_parser, day, exit_code
from jobs.log import configure_logging
from jobs.session import spark_session
from jobs.settings import Settings, SettingsError, load_settings
from jobs.sinks.records import Partition
from jobs.spark_errors import told_in_one_line
from jobs.verify.audit import Audit, check_is_archive
from jobs.verify.findings import FINDING_DDL, Finding
from jobs.verify.partitions import check_partitions, in_catalog, repaired
from jobs.verify.report import as_json, counted, for_people
from schemas import RecordSchema

EXIT_CLEAN, EXIT_FINDINGS, EXIT_FAILED = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Audit and report; 0 when nothing was found, 1 when something was, 2 when the audit could not be made."""
    options = _options(arguments)
    configure_logging(sys.stderr)
    try:
        return exit_code("verify", lambda: _run(options), failed=EXIT_FAILED)
    except Exception:  # noqa: BLE001  # Python's own code for what nobody foresaw says that something was found
        traceback.print_exc()
        return EXIT_FAILED


def _run(options: argparse.Namespace) -> int:
    settings = load_settings(options.conf, options.set)
    if options.repair and not settings.catalog.enabled:
        raise SettingsError("--repair catalog needs catalog.enabled")
    with told_in_one_line():
        return verify(settings, since=options.since, repair=bool(options.repair), json=options.json)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = conf_parser("jobs.verify", __doc__)
    parser.add_argument("--since", type=day, metavar="DATE", help="only batches of this day (UTC) or later")
    parser.add_argument(
        "--json", action="store_true", help="a JSON line per finding, the last with the totals"
    )
    parser.add_argument(
        "--repair", choices=["catalog"], help="register the partitions that the catalog lacks"
    )
    return parser.parse_args(arguments)


def verify(settings: Settings, *, since: str | None, repair: bool, json: bool) -> int:
    """Audit, print the report; the exit code. Raises PipelineError where the audit can't be made."""
    record_schemas = schemas.load()
    storage = settings.archive.open_archive()
    check_is_archive(storage)
    held = in_catalog(settings.catalog, record_schemas)
    spark = spark_session("dmd-verify")
    attributes = schemas.merged_attributes(record_schemas)
    pii = frozenset(each.name for each in attributes if each.pii)
    audit = Audit(spark, storage, pii, since, checkpoint=settings.archive.open_checkpoint())
    findings, added = audit.findings, 0
    if held is not None:
        more, added = _of_catalog(settings, record_schemas, audit, held, repair=repair)
        findings = _with(spark, findings, more)
    report = as_json if json else for_people
    counts = counted(findings)
    for line in report(storage.uri, {**audit.totals, "registered": added}, counts, findings):
        print(line)
    return EXIT_FINDINGS if counts else EXIT_CLEAN


def _of_catalog(
    settings: Settings,
    record_schemas: Mapping[str, RecordSchema],
    audit: Audit,
    held: set[Partition],
    *,
    repair: bool,
) -> tuple[list[Finding], int]:
    """What is wrong with the catalog, and how many partitions were registered; ``held`` is what it held at the beginning."""
    named = audit.named_partitions()
    if named - held:
        # The job may have registered some since.
        held = held | named & (in_catalog(settings.catalog, record_schemas) or set())
    before = len(held)
    if repair:
        catalog = open_catalog(settings.catalog, audit.storage, record_schemas, settings.archive.format)
        held = repaired(catalog, named, held)
    stored = None if audit.since else audit.stored_partitions()
    return list(check_partitions(named, stored, held)), len(held) - before


def _with(spark: SparkSession, findings: DataFrame, more: list[Finding]) -> DataFrame:
    return findings.union(spark.createDataFrame(more, FINDING_DDL)) if more else findings


if __name__ == "__main__":
    sys.exit(main())
