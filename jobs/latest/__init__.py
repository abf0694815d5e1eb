"""The latest state of every record, as Delta tables that follow the archive (docs/latest.md)."""
