"""``python -m jobs.doctor``: where the checkpoint stands, whether the next start works, what to do if it doesn't."""
