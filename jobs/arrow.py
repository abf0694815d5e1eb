"""pyarrow for Spark's Python workers, without pandas.

The first array that pyarrow makes of Python values has it import pandas, to tell pandas' values from others: 0.7 s and 60 MB in
every process. Asked for pandas itself, pyarrow looks for it again.
"""

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

import pyarrow as pa

__all__ = ["pa"]


class _NoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, path: object, target: Any = None) -> ModuleSpec | None:
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname)
        return None


def _keep_pandas_out() -> None:
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(finder)


_keep_pandas_out()
