"""Tests of what a batch leaves in the archive."""
