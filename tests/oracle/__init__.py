"""An independent implementation of the rules in plain Python: what the archive must hold for a given input.

It shares no code with the job. Both read the same `.avsc` files, which are data, and follow the same rulebook;
where they differ, one of them is wrong. `judge` answers for one change event, `archive` for a batch.
"""

from tests.oracle.rulebook import Archived, Failed, archive, judge

__all__ = ["Archived", "Failed", "archive", "judge"]
