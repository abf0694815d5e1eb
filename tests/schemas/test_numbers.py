"""Numbers keep every digit: 38 of them, exponents to 125; nothing goes through a double unless the schema says double."""

import random
from decimal import Decimal, localcontext
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.rules.change_events import As, Outcomes, archived, insert, sale
from tests.schemas.copies import decimal, optional, with_fields

FIELDS = [
    optional("whole", "long"),
    optional("d38", decimal(38, 0)),
    optional("d38s10", decimal(38, 10)),
    optional("d38s38", decimal(38, 38)),
    optional("d5s2", decimal(5, 2)),
    optional("all", {"type": "array", "items": decimal(38, 10)}),
]
DECIMALS = {"d38": (38, 0), "d38s10": (38, 10), "d38s38": (38, 38), "d5s2": (5, 2)}
LITERAL: dict[str, tuple[str, str, str | None]] = {
    "38 nines": ("d38", "9" * 38, "9" * 38),
    "38 nines, negative": ("d38", "-" + "9" * 38, "-" + "9" * 38),
    "39 digits": ("d38", "1" + "0" * 38, None),
    "38 digits as an exponent": ("d38", "1E+37", "1" + "0" * 37),
    "39 digits as an exponent": ("d38", "1E+38", None),
    "the greatest number of DynamoDB": ("d38", "9.9999999999999999999999999999999999999E+125", None),
    "the smallest number of DynamoDB": ("d38s38", "1E-130", None),
    "a fraction made whole": ("d38", "1.2345E+4", "12345"),
    "a fraction that stays": ("d38", "1.2345E+3", None),
    "zeros after the point": ("d38", "12.000", "12"),
    "more than a double holds": ("d38s10", "0.1000000001", "0.1000000001"),
    "between two doubles": ("d38s10", "9007199254740993.0000000001", "9007199254740993.0000000001"),
    "28 digits and 10 places": ("d38s10", "1234567890123456789012345678.9012345678", "1234567890123456789012345678.9012345678"),
    "29 digits and no place": ("d38s10", "12345678901234567890123456789", None),
    "11 places": ("d38s10", "0.12345678901", None),
    "11 places, the last zero": ("d38s10", "0.12345678900", "0.1234567890"),
    "38 places": ("d38s38", "0.12345678901234567890123456789012345678", "0.12345678901234567890123456789012345678"),
    "one and no place for it": ("d38s38", "1", None),
    "a negative exponent": ("d38s38", "12345E-38", "1.2345E-34"),
    "zero": ("d38s38", "0", "0"),
    "zero with a great exponent": ("d38", "0E+125", "0"),
    "zero with a small exponent": ("d38", "0E-130", "0"),
    "minus zero": ("d38", "-0", "0"),
    "leading zeros": ("d38", "0042", "42"),
    "a small exponent in capitals": ("d5s2", "12345E-2", "123.45"),
    "a great exponent in small letters": ("d5s2", "1.2345e2", "123.45"),
    "one digit too many": ("d5s2", "1234.56", None),
    "an exponent of three digits": ("d38", "1E125", None),
    "an exponent of four digits": ("d38", "1E1000", None),
    "an exponent beyond int": ("d38", "1E99999999999", None),
    "a long of 19 digits": ("whole", "9223372036854775807", "9223372036854775807"),
    "a long beyond 53 bits": ("whole", "9007199254740993", "9007199254740993"),
    "a long as an exponent": ("whole", "9.223372036854775807E+18", "9223372036854775807"),
    "a long one too great": ("whole", "9.223372036854775808E+18", None),
    "a long from places": ("whole", "922337203685477580700E-2", "9223372036854775807"),
}  # fmt: skip


def drawn(count: int) -> list[str]:
    """Numbers as DynamoDB writes them, of all lengths and exponents."""
    dice = random.Random(20260301)
    made = []
    for _ in range(count):
        digits = "".join(dice.choices("0123456789", k=dice.randint(1, 38)))
        point = dice.randint(0, len(digits))
        text = f"{digits[:point] or '0'}.{digits[point:]}" if point < len(digits) else digits
        exponent = dice.choice(["", "", f"E{dice.randint(-40, 40):+d}", f"e{dice.randint(-130, 125)}"])
        made.append(f"{dice.choice(['', '-'])}{text}{exponent}")
    return made


def fitting(text: str, precision: int, scale: int) -> Decimal | None:
    """The number as decimal(precision, scale), or None where it doesn't fit without losing a digit."""
    with localcontext(prec=400):
        number = Decimal(text)
        scaled = number.quantize(Decimal(1).scaleb(-scale))
        digits = len(scaled.as_tuple().digits) if scaled else 0
        return scaled if scaled == number and digits <= precision else None


DRAWN = drawn(300)
CASES = {
    **{what: insert(sale(**{name: As({"N": text})})) for what, (name, text, _) in LITERAL.items()},
    **{f"{name}: {text}": insert(sale(**{name: As({"N": text})})) for text in DRAWN for name in DECIMALS},
    "in L": insert(sale(all=As({"L": [{"N": "0.1000000001"}, {"N": "1E-10"}, {"N": "9007199254740993"}]}))),
    "in NS": insert(sale(all=As({"NS": ["1E-10", "-9007199254740993.5"]}))),
}


@pytest.fixture(scope="module")
def outcomes(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    directory: Path = tmp_path_factory.mktemp("schemas")
    return archived(spark, CASES, with_fields(directory, "sale", FIELDS))


@pytest.mark.parametrize("what", LITERAL)
def test_a_number_is_archived_exactly_or_not_at_all(what: str, outcomes: Outcomes) -> None:
    name, _, due = LITERAL[what]
    if due is None:
        kind = "long" if name == "whole" else "decimal"
        assert outcomes[what].message == f"sale: {name} is not a DynamoDB N that fits Avro {kind} (BR-003)"
    else:
        assert outcomes[what].message is None
        assert Decimal(outcomes[what].record[name]) == Decimal(due)


@pytest.mark.parametrize("name", DECIMALS)
def test_so_is_any_number(name: str, outcomes: Outcomes) -> None:
    found = {text: outcomes[f"{name}: {text}"].record.get(name) for text in DRAWN}
    assert found == {text: fitting(text, *DECIMALS[name]) for text in DRAWN}
    assert len({text for text, value in found.items() if value is None}) in range(10, len(DRAWN) - 10)


def test_numbers_in_lists_and_sets_are_exact_too(outcomes: Outcomes) -> None:
    due = [Decimal("0.1000000001"), Decimal("1E-10"), Decimal(9007199254740993)]
    assert outcomes["in L"].record["all"] == due
    assert outcomes["in NS"].record["all"] == [Decimal("1E-10"), Decimal("-9007199254740993.5")]
