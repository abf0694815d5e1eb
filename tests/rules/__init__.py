"""The rulebook as tests: one module per rule."""
