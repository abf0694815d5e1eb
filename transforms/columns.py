"""How a record is spread over columns while it is being made.

Every attribute that isn't a record of its own is one column, named by its path: ``fanId``, ``date.requested``. Every
record inside (``date``, ``eventDate.start``) is a boolean column: is it there. Flat columns keep Spark from
computing a value again for every use, which it does with the fields of a struct.
"""

from collections.abc import Callable, Iterator, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from schemas import Attribute

Path = tuple[str, ...]


def at(path: str) -> Column:
    """The column of the attribute at a path such as ``date.requested``.

    >>> spark.sql("select 'x' `date.requested`, 'y' date").select(at("date.requested")).columns
    ['date.requested']
    """
    return F.col(f"`{path}`")


def is_found(path: Path, attribute: Attribute) -> Column:
    """Whether the record holds the attribute, told by its column at that path.

    >>> from schemas import load
    >>> sale = [each for each in load()["sale"].attributes if each.name in ("id", "name", "date")]
    >>> df = spark.sql("select 'sale-1' id, cast(null as string) name, true date")
    >>> tuple(df.select(*(is_found((each.name,), each) for each in sale)).first())
    (True, False, True)
    """
    column = at(".".join(path))
    return column if attribute.kind == "record" else column.isNotNull()


def walk(attributes: Sequence[Attribute], parent: Path = ()) -> Iterator[tuple[Path, Attribute]]:
    """Every attribute with its path, depth first, a record before its members.

    >>> from schemas import load
    >>> [path for path, _ in walk(load()["sale"].attributes)][4:7]
    [('saleStartDateTime',), ('date',), ('date', 'deleted')]
    """
    for attribute in attributes:
        path = (*parent, attribute.name)
        yield path, attribute
        yield from walk(attribute.children, path)


def record(attributes: Sequence[Attribute], parent: Path = ()) -> Column:
    """The record put together from its columns, as a struct.

    >>> from schemas import load
    >>> sale = load()["sale"].attributes[-2:]
    >>> [each.name for each in sale]
    ['isDeleted', 'change']
    >>> df = spark.sql("select true isDeleted, true change, 'e' `change.id`, 'INSERT' `change.name`, '' `change.time`, '' `change.sequenceNumber`")
    >>> df.select(record(sale).alias("r")).first().r
    Row(isDeleted=True, change=Row(id='e', name='INSERT', time='', sequenceNumber=''))
    """
    return F.struct(*(_member((*parent, each.name), each).alias(each.name) for each in attributes))


def _member(path: Path, attribute: Attribute) -> Column:
    column = at(".".join(path))
    return F.when(column, record(attribute.children, path)) if attribute.kind == "record" else column


def let(value: Column, then: Callable[[Column], Column]) -> Column:
    """``then(value)``, the value being computed once however often ``then`` uses it.

    >>> df = spark.range(1).select(F.lit(2).alias("a"))
    >>> df.select(let(F.col("a") + 1, lambda three: three * three)).first()[0]
    9
    """
    return F.element_at(F.transform(F.array(value), then), 1)
