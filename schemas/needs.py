"""What the steps rely on in the record schemas, checked when they are loaded.

A schema that a step can't work with would otherwise fail batches, or archive something else than it says.
"""

from collections.abc import Iterator, Mapping

from schemas.attributes import Attribute, SchemaError

# Per record type, the strings that a step reads by their path: the first must be required, the second need not.
STRINGS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "demand": (
        ("type", "fanId", "eventId", "saleId", "date.requested"),
        ("date.triggered", "date.notified", "date.deleted", "systemUserId"),
    ),
    "notification": (
        ("type", "fanId", "eventId", "saleId", "date.created"),
        ("date.updated", "date.deleted"),
    ),
    "event": (
        ("type", "id"),
        ("date.firstSeen", "date.updated", "date.deleted", "eventDate.start.dateTime"),
    ),
    "sale": (("type", "id", "eventId", "saleStartDateTime"), ("date.deleted",)),
}
# What the pipeline makes, with the members of each.
MADE = {
    "reference": ("id", "timestamp"),
    "change": ("id", "name", "time", "sequenceNumber"),
    "system": ("id", "databaseId", "memberId"),
}
# What deleted records never hold (BR-005), in whatever case.
PERSONAL = frozenset(("phonenumber", "email", "messagebody"))
# Columns of the source and of the steps, the tables' partition keys, and a name that validation looks past.
RESERVED = frozenset(
    (
        "data streamName shardId partitionKey sequenceNumber approximateArrivalTimestamp payload sentinel "
        "isOneEvent event image odd message created withoutSystem partitionDate body partition_date bucket userIdentity"
    )
    .lower()
    .split()
)


def check(record_type: str, attributes: tuple[Attribute, ...]) -> None:
    """Raises SchemaError where the steps can't work with a record type's attributes, naming the attribute and the remedy."""
    known = {each.name: each for each in attributes}
    for each in attributes:
        _check_name(each, f"{record_type}.{each.name}", record_type)
        _check_personal(each, f"{record_type}.{each.name}")
        _check_properties(each, f"{record_type}.{each.name}", (), record_type)
    required, others = STRINGS[record_type]
    for path in (*required, *others):
        _check_string(known, record_type, path, must=path in required)
    for name, members in MADE.items():
        _check_made(known.get(name), record_type, name, members)
    _check_deletion_mark(known, record_type)


def _check_name(attribute: Attribute, path: str, record_type: str) -> None:
    if attribute.name.lower() in RESERVED:
        raise SchemaError(
            f"{path}: the name is reserved for the pipeline itself; an attribute can't be called so"
        )
    if attribute.name.lower() in MADE and attribute.origin != "pipeline":
        raise SchemaError(
            f'{path}: the pipeline makes it, an image\'s own is ignored: give it "origin": "pipeline"'
        )
    if attribute.origin not in ("image", "pipeline"):
        raise SchemaError(f"{path}: origin is image (the default) or pipeline")
    if attribute.origin == "pipeline" and attribute.name not in MADE:
        raise SchemaError(f"{path}: the pipeline doesn't make it; origin pipeline is for {', '.join(MADE)}")
    if attribute.name == "system" and record_type != "demand":
        raise SchemaError(f"{path}: only a demand has a system (BR-007)")


def _check_personal(attribute: Attribute, path: str) -> None:
    if attribute.name.lower() in PERSONAL and attribute.kind == "string" and not attribute.pii:
        raise SchemaError(
            f'{path}: needs "pii": true in every record type, deleted records never hold it (BR-005)'
        )


def _check_properties(attribute: Attribute, path: str, parents: tuple[str, ...], record_type: str) -> None:
    is_needed = path.removeprefix(f"{record_type}.") in {
        each for group in STRINGS[record_type] for each in group
    }
    if attribute.pii and (parents or attribute.kind != "string" or attribute.origin != "image"):
        raise SchemaError(f"{path}: pii is for strings at the top of the image alone (BR-005)")
    if attribute.pii and is_needed:
        raise SchemaError(f"{path}: the pipeline itself works with it, so it can't be pii")
    # Wherever it stands, validation looks past its null.
    if parents and attribute.name == "userIdentity":
        raise SchemaError(
            f"{path}: the name is reserved for the pipeline itself; a member can't be called so"
        )
    if parents and attribute.origin != "image":
        raise SchemaError(f"{path}: origin is for fields at the top of a record")
    for child in attribute.children:
        _check_properties(child, f"{path}.{child.name}", (*parents, attribute.name), record_type)
    if attribute.items:
        _check_properties(attribute.items, f"{path}[]", (*parents, attribute.name), record_type)


def _check_string(known: Mapping[str, Attribute], record_type: str, path: str, *, must: bool) -> None:
    *parents, _ = steps = list(_steps(known, record_type, path))
    for where, record in parents:
        if record.kind != "record":
            raise SchemaError(f"{where}: must be a record, the pipeline relies on it")
    where, leaf = steps[-1]
    if leaf.kind != "string":
        raise SchemaError(f"{where}: must be a string, the pipeline relies on it")
    for where, each in steps:
        if must and not each.required:
            raise SchemaError(f"{where}: must be required, the pipeline relies on it")


def _steps(known: Mapping[str, Attribute], record_type: str, path: str) -> Iterator[tuple[str, Attribute]]:
    """The attributes on the way to a path, each with its own path."""
    where = record_type
    for name in path.split("."):
        where = f"{where}.{name}"
        if name not in known:
            raise SchemaError(f"{where}: is missing, and the pipeline relies on it")
        yield where, known[name]
        known = {child.name: child for child in known[name].children}


def _check_made(made: Attribute | None, record_type: str, name: str, members: tuple[str, ...]) -> None:
    path = f"{record_type}.{name}"
    if made is None:
        if name != "system" or record_type == "demand":
            raise SchemaError(f"{path}: is missing, and the pipeline relies on it")
        return
    if {(child.name, child.kind) for child in made.children} != {(member, "string") for member in members}:
        raise SchemaError(f"{path}: must be a record of the strings {', '.join(members)}")
    if name == "system" and not made.nullable:
        raise SchemaError(f"{path}: must be optional, not every systemUserId has the parts (BR-007)")
    if name == "change" and not all(child.nullable for child in made.children):
        raise SchemaError(f"{path}: its members must be optional, not every event has them")


def _check_deletion_mark(known: Mapping[str, Attribute], record_type: str) -> None:
    ((path, mark),) = _steps(known, record_type, "isDeleted")
    if mark.kind != "boolean":
        raise SchemaError(f"{path}: must be a boolean (BR-004)")
    if not mark.nullable or mark.required:
        raise SchemaError(f"{path}: must be optional (BR-004)")
    for child in known["date"].children if known["date"].nullable else ():
        if not child.nullable:
            raise SchemaError(
                f"{record_type}.date.{child.name}: must be optional, because our deletion mark alone can make the date; "
                "where an image that has a date must have it, add requiredInImage"
            )
