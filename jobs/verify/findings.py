"""What an audit can find."""

from typing import NamedTuple


class Finding(NamedTuple):
    """Something that isn't as it must be: ``number`` records, objects or batches of ``kind``, at ``key``.

    ``detail`` says in words what it is, without a value of any record.
    """

    kind: str
    key: str
    number: int
    detail: str


FINDING_DDL = "kind string, key string, number bigint, detail string"

KINDS = {
    "missing": "objects that a delivery record names are not there",
    "changed": "objects have other bytes than their delivery record says",
    "count": "objects or delivery records count otherwise than they say",
    "unreadable": "objects can't be read as what their place says they are",
    "unnamed": "objects that no delivery record names",
    "unfinished": "objects of a batch or of backfills that were begun and are still to be finished",
    "gap": "batches, steps of backfills or positions between batches are missing",
    "lost": "records expired before they were archived, or may have: source.fail_on_data_loss = false let the job go on",
    "overlap": "positions are in more than one batch",
    "restart": "a checkpoint was begun anew: what both read is archived twice, what neither read is missing",
    "misplaced": "records are in the folder of another type or partition date, or a delivery record says another",
    "personal-data": "deleted or removed records hold personal data that isn't redacted (BR-005)",
    "unregistered": "partitions of the archive are not in the catalog",
    "no-data": "partitions of the catalog have no object in the archive",
}
"""Every kind of finding and what it means, in the order of the report."""
