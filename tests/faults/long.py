"""Long and short forms: `make soak` sets SOAK=1, CI runs the short ones."""

import os

LONG = os.environ.get("SOAK") == "1"
# Of a whole story, which is set up once for all tests of a module; six times what two idle cores take.
SECONDS = 4 * 3600 if LONG else 1200
