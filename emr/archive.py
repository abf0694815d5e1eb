"""The file to give to ``spark-submit``: the archive job, its packages coming from ``--py-files``.

A start from ``jobs/archive.py`` itself would put ``jobs/`` first on the module path.
"""

import sys

from jobs.archive import main

if __name__ == "__main__":
    sys.exit(main())
