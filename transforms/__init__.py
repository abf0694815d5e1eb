"""The rules of the archive as pure Spark transforms.

Two kinds: ``Column -> Column`` functions, and ``DataFrame -> DataFrame`` functions, one per step, composed with
``df.transform`` in :mod:`transforms.outcomes`: begin there. No clock, no I/O, no conf.

Beside the steps: :mod:`transforms.image` is the shape of an image while it is read, :mod:`transforms.columns` that
of a record, :mod:`transforms.attribute_values` reads DynamoDB's values, :mod:`transforms.parse_exactly` what the
quick parse isn't sure of.
"""

from transforms.add_body import add_body
from transforms.add_change import add_change
from transforms.add_partition_date import add_partition_date
from transforms.add_reference import add_reference
from transforms.add_system import SystemUserIdPattern, add_system
from transforms.check_type import check_type
from transforms.mark_deleted import mark_deleted
from transforms.outcomes import outcomes, records
from transforms.parse import parse
from transforms.scrub import scrub
from transforms.select_image import select_image
from transforms.unmarshall import unmarshall
from transforms.validate import validate

__all__ = [
    "SystemUserIdPattern",
    "add_body",
    "add_change",
    "add_partition_date",
    "add_reference",
    "add_system",
    "check_type",
    "mark_deleted",
    "outcomes",
    "parse",
    "records",
    "scrub",
    "select_image",
    "unmarshall",
    "validate",
]
