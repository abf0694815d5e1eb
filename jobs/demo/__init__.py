"""The demo: an emulated AWS, made-up change events, the real job, and a summary to read (`python -m jobs.demo`)."""
