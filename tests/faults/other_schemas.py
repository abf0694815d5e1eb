"""The archive job with other schemas, as a changed release would have them: other_schemas.py DIRECTORY --conf …"""

import sys
from pathlib import Path

import schemas
from jobs.archive import main

if __name__ == "__main__":
    directory, packaged = Path(sys.argv.pop(1)), schemas.load
    schemas.load = lambda directory=directory: packaged(directory)
    sys.exit(main())
