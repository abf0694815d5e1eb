"""``python -m jobs.verify``: whether the archive is what its delivery records say, whole and without gaps."""
