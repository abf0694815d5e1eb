"""The file to give to ``spark-submit``: the latest-state tables, the packages coming from ``--py-files``."""

import sys

from jobs.latest.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
