"""``python -m jobs.report``: one page about the archive, from its delivery records."""
