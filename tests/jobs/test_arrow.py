"""What Spark's Python workers import: each of them is a process that pays for it in time and memory."""

import subprocess
import sys

_ARRAY = """
import sys
from jobs.arrow import pa

batch = pa.RecordBatch.from_pylist([{"count": 1}])
assert "pandas" not in sys.modules
"""


def _runs(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_arrays_are_made_without_pandas() -> None:
    _runs(_ARRAY)


def test_who_asks_for_pandas_gets_it() -> None:
    _runs(_ARRAY + 'assert batch.to_pandas()["count"].sum() == 1')


def test_a_source_is_made_without_a_client_of_kinesis() -> None:
    _runs(
        "import sys, jobs.sources.kinesis.source; assert 'botocore.session' not in sys.modules; "
        "assert 'pandas' not in sys.modules"
    )
