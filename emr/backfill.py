"""The file to give to ``spark-submit``: a backfill, its packages coming from ``--py-files``."""

import sys

from jobs.backfill.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
