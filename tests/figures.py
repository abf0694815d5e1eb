"""A pytest plugin: the figures that tests measured, told at the end of the run, whatever process ran the test."""

import pytest

NAME = "figure"


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell what tests recorded by `record_property(NAME, text)`."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    told = [text for report in reports for name, text in report.user_properties if name == NAME]
    if told:
        terminalreporter.section("measured")
        terminalreporter.write("\n".join([*told, ""]))
