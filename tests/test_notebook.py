"""The notebook: committed without outputs, and every cell of it runs."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.emulators import free_port
from tests.short_run import SHORT_RUN

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "notebooks" / "explore_transforms.ipynb"
SECONDS = 240
TOKEN = "of-the-test"


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


def test_make_notebook_opens_it(tmp_path: Path) -> None:
    with make_notebook(tmp_path) as port:
        assert json.loads(get(port, "api/status"))["kernels"] == 0
        assert get(port, f"lab/tree/{NOTEBOOK.name}")
        opened = json.loads(get(port, f"api/contents/{NOTEBOOK.name}"))["content"]
        assert opened["cells"][0]["source"] == the_notebook().cells[0].source
        assert (
            opened["metadata"]["kernelspec"]["name"]
            in json.loads(get(port, "api/kernelspecs"))["kernelspecs"]
        )


@contextmanager
def make_notebook(scratch: Path) -> Iterator[int]:
    """Do what `make notebook` does after the set-up, but for the browser; the server's port."""
    port = free_port()
    more = f"--no-browser --ServerApp.port={port} --ServerApp.port_retries=0 --IdentityProvider.token={TOKEN}"
    tell = ["make", "--no-print-directory", "--dry-run", "notebook", f"ARGS={more}"]
    recipe = subprocess.run(tell, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    command = recipe[recipe.index(".venv/bin/python -m jupyterlab") :]
    own = {f"JUPYTER_{name}_DIR": str(scratch / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    with (scratch / "log").open("wb") as log:
        server = subprocess.Popen(
            ["sh", "-c", f"exec {command}"], cwd=ROOT, env={**os.environ, **own}, stdout=log, stderr=log
        )
    try:
        wait_for(server, port, scratch / "log")
        yield port
    finally:
        server.terminate()
        try:
            server.wait(20)
        finally:
            server.kill()


def wait_for(server: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    until = time.monotonic() + 90
    while True:
        try:
            get(port, "api/status")
        except OSError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        else:
            return


def get(port: int, path: str) -> bytes:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", f"/{path}", headers={"Authorization": f"token {TOKEN}"})
    answer = connection.getresponse()
    assert answer.status == HTTPStatus.OK, (path, answer.status)
    return answer.read()
