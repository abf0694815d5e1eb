"""The tests, by part; `tests/rules` reads as the rulebook."""
