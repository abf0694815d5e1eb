"""``python -m jobs.report``: one HTML page about the archive, from its delivery records; reads no data."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from jobs.command_line import conf_parser, day, exit_code
from jobs.errors import PipelineError
from jobs.log import configure_logging
from jobs.plural import plural
from jobs.report.figures import Figures, figures
from jobs.report.lags import read_lags
from jobs.report.page import page
from jobs.settings import Settings, load_settings
from jobs.sinks.deliveries import iter_dated_records

SCRIPT = "window.vegaEmbed = vegaEmbed;"
"""What the charts' library is asked to give the page."""


class ReportError(PipelineError):
    """The page can't be made or written."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; 0 when it is there, 1 when it couldn't be made, 2 for a wrong command line or conf."""
    options = _options(arguments)
    configure_logging(sys.stderr)
    return exit_code("report", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    settings = load_settings(options.conf, options.set)
    text, made = report(settings, options.since, options.log)
    try:
        options.out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ReportError(f"--out {options.out}: can't be written: {error.strerror}") from error
    told = f"{options.out}: {plural(len(made.batches), 'batch', 'batches')} of {settings.archive.uri}"
    if made.unreadable:
        told += f", {plural(len(made.unreadable), 'delivery record')} can't be read"
    print(told)
    return 0


def report(settings: Settings, since: str | None = None, logs: Sequence[Path] = ()) -> tuple[str, Figures]:
    """The page about the archive's batches of the day ``since`` or later, and the figures on it.

    ``logs`` are the job's, for the lag. Raises PipelineError.
    """
    try:
        import vl_convert

        from jobs.report.charts import charts
    except ImportError as error:
        raise ReportError(
            f"{error.name} is missing: install the extra `report` (pip install 'dmd-pipeline[report]')"
        ) from error
    storage = settings.archive.open_archive()
    storage.check()
    lags = read_lags(logs, since)
    made = figures(iter_dated_records(storage, since))
    title = f"The archive {storage.uri}" + (f" since {since}" if since else "")
    return page(title, made, charts(made, lags), vl_convert.javascript_bundle(SCRIPT)), made


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = conf_parser("jobs.report", __doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the page, report.html say")
    parser.add_argument("--since", type=day, metavar="DATE", help="only batches of this day (UTC) or later")
    parser.add_argument(
        "--log",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="the job's log, for its lag; may be given again",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
