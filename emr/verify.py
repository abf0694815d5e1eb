"""The file to give to ``spark-submit``: the audit, its packages coming from ``--py-files``."""

import sys

from jobs.verify.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
