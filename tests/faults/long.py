"""Long and short forms: `make soak` sets SOAK=1, CI runs the short ones."""

import os

LONG = os.environ.get("SOAK") == "1"
SECONDS = 3600 if LONG else 300
