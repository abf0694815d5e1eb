"""The Avro schemas of the archive and what derives from them.

The four ``.avsc`` files in this package are the single source of truth (BR-003): the parser's attributes,
the validation, the containers and the catalog's columns are all made from them.

Beyond plain Avro, a field may carry three properties of ours:

* ``"origin": "pipeline"``: made by the pipeline; an attribute of that name in an image is ignored.
* ``"requiredInImage": true``: optional in the archive, but required wherever the image has the enclosing map.
* ``"pii": true``: personal data, replaced by ``[redacted]`` once the record is deleted (BR-005).
"""

from schemas.attributes import Attribute, SchemaError
from schemas.records import RECORD_TYPES, RecordSchema, avro, avro_text, load, merged_attributes

__all__ = [
    "RECORD_TYPES",
    "Attribute",
    "RecordSchema",
    "SchemaError",
    "avro",
    "avro_text",
    "load",
    "merged_attributes",
]
