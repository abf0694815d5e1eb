"""The benchmark in a short form: that it works and counts right, never how fast anything is."""
