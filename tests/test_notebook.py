"""The notebook: committed without outputs, and every cell of it runs."""

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.short_run import SHORT_RUN

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "explore_transforms.ipynb"
SECONDS = 240


def the_notebook() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def executed() -> Any:
    """The notebook, executed in a kernel of its own, where a person would start it."""
    notebook = the_notebook()
    with pytest.MonkeyPatch.context() as environment:
        for name, value in SHORT_RUN.items():
            environment.setenv(name, value)
        client = NotebookClient(
            notebook, timeout=SECONDS, resources={"metadata": {"path": str(NOTEBOOK.parent)}}
        )
        client.execute()
    return notebook


def test_it_is_committed_without_outputs() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    run = [cell for cell in notebook["cells"] if cell.get("outputs") or cell.get("execution_count")]
    assert run == [], "clear the outputs of all cells before you commit it"


def test_it_defines_nothing_that_belongs_elsewhere() -> None:
    source = "\n".join(cell.source for cell in code_cells(the_notebook()))
    assert [word for word in ("def ", "class ", "lambda", "udf") if word in source] == []


def test_every_cell_runs_and_shows_something(executed: Any) -> None:
    silent = [cell.source for cell in code_cells(executed) if not cell.outputs]
    assert all(source.startswith(("from jobs.session", "import ")) for source in silent)
    kinds = [output.output_type for cell in code_cells(executed) for output in cell.outputs]
    assert "error" not in kinds


def shown(notebook: Any, of: str, kind: str = "text/plain") -> str:
    """What the cell whose source has that in it shows."""
    (cell,) = [cell for cell in code_cells(notebook) if of in cell.source]
    return "".join(output.data[kind] for output in cell.outputs if kind in output.get("data", {}))


def test_the_broken_record_lands_in_an_archive_error_and_the_other_in_a_container(executed: Any) -> None:
    assert "demand: phoneNumber is not a DynamoDB S" in shown(executed, "two.select(")
    assert "'data/demand/partition_date=" in shown(executed, "written = write(")
    assert "'errors/" in shown(executed, "written = write(")
    assert "phoneNumber is not a DynamoDB S" in shown(executed, '["error"]')


def test_removed_records_are_shown_before_and_after_they_are_scrubbed(executed: Any) -> None:
    assert "+1555" in shown(executed, "marked.where(removed)")
    assert "+1555" not in shown(executed, "scrubbed.where(removed)")
    assert "[redacted]" in shown(executed, "scrubbed.where(removed)")


def test_volumes_are_plotted(executed: Any) -> None:
    assert "<svg" in shown(executed, "partition date", "image/svg+xml")
