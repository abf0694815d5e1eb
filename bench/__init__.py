"""``make bench``: what the archive job costs, measured on the reader's machine in one run."""
