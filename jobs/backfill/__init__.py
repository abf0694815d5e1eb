"""Backfills: a bounded input archived with the same transforms and the same writer as the stream (docs/backfill.md)."""
