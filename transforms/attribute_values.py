"""DynamoDB attribute values as Spark columns.

Parsing keeps every attribute as the compact JSON text of its value, for example ``{"S":"x"}``. The functions here
turn such a text into a typed value, or into null where it isn't exactly the DynamoDB value asked for: one known
tag, holding JSON of that tag's type. Null in is null out, so "absent" and "malformed" are told apart by looking at
the text (see :mod:`transforms.validate`).

Source of the format: the DynamoDB API reference, AttributeValue.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F

# DynamoDB keeps 38 digits and exponents up to 125.
_NUMBER = r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?\z"
_BASE64 = r"^[A-Za-z0-9+/]*={0,2}\z"
_LONE_SURROGATE = r"\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]"
STRICT_JSON = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}


def is_absent(text: Column) -> Column:
    """True where an attribute isn't there; DynamoDB's ``NULL: true`` counts as not there.

    >>> df = spark.createDataFrame([(None,), ('{"NULL":true}',), ('{"NULL":false}',), ('{"S":""}',)], "t string")
    >>> [row[0] for row in df.select(is_absent(F.col("t"))).collect()]
    [True, True, False, False]
    """
    return (
        text.isNull()
        | (text == '{"NULL":true}')
        | (text.startswith('{"NULL":') & (normalized(text) == '{"NULL":true}'))
    )


def string_value(text: Column, tag: str = "S") -> Column:
    r"""The string under ``tag`` (``S``; ``N`` and ``B`` hold strings too), null where it is anything else.

    >>> texts = ['{"S":"x"}', '{"S":"a \\"b\\" c"}', '{"S":5}', '{"S":"x","N":"1"}', '{"S":"lone \\uD800"}', "5"]
    >>> df = spark.createDataFrame([(t,) for t in texts], "t string")
    >>> [row[0] for row in df.select(string_value(F.col("t"))).collect()]
    ['x', 'a "b" c', None, None, None, None]
    """
    return F.coalesce(plain_string(text, tag), odd_string(text, tag))


def plain_string(text: Column, tag: str = "S") -> Column:
    r"""As :func:`string_value`, but only for strings without a JSON escape: small code for the usual case.

    >>> df = spark.createDataFrame([('{"S":"x"}',), ('{"S":"a \\"b\\" c"}',)], "t string")
    >>> [row[0] for row in df.select(plain_string(F.col("t"))).collect()]
    ['x', None]
    """
    opening, closing = f'{{"{tag}":"', '"}'
    # As bytes, because cutting a string is counting its characters.
    size = F.octet_length(text) - len(opening) - len(closing)
    inside = F.substring(text.cast("binary"), len(opening) + 1, size).cast("string")
    is_one = text.startswith(opening) & text.endswith(closing) & ~F.contains(inside, F.lit('"'))
    return F.when(is_one & ~F.contains(inside, F.lit("\\")), inside)


def odd_string(text: Column, tag: str = "S") -> Column:
    r"""As :func:`string_value`, for texts that aren't plain: JSON escapes, or the tag given twice (the last counts).

    An escaped lone surrogate is no character and makes the value malformed.

    >>> df = spark.createDataFrame([('{"S":"a \\"b\\" c"}',), ('{"S":"a","S":"b"}',), ('{"S":"a","N":"1"}',)], "t string")
    >>> [row[0] for row in df.select(odd_string(F.col("t"))).collect()]
    ['a "b" c', 'b', None]
    """
    variant = F.try_parse_json(text)
    value = F.variant_get(variant, f"$.{tag}", "string")
    is_one_string = F.schema_of_variant(variant) == f"OBJECT<{tag}: STRING>"
    # What Spark writes itself has no blank after the brace; a bare string that looks like an object may.
    return F.when(text.startswith('{"') & is_one_string & ~has_lone_surrogate(text), value)


def normalized(text: Column) -> Column:
    """The text without repeated keys: the last of them counts.

    >>> df = spark.createDataFrame([('{"NULL":false,"NULL":true}',)], "t string")
    >>> df.select(normalized(F.col("t"))).first()[0]
    '{"NULL":true}'
    """
    return F.to_json(F.try_parse_json(text))


def has_lone_surrogate(text: Column) -> Column:
    r"""Whether a string in the JSON holds half a surrogate pair, which is no character: reading gives a question mark.

    >>> texts = [r'{"S":"\uD83C\uDFAB"}', r'{"S":"\uD83C"}', r'{"S":"\uDFAB\uD83C"}', r'{"S":"\\uD83C"}']
    >>> df = spark.createDataFrame([(t,) for t in texts], "t string")
    >>> [row[0] for row in df.select(has_lone_surrogate(F.col("t"))).collect()]
    [False, True, True, False]
    """
    # A backslash that is escaped itself begins no escape.
    escapes = F.replace(text, F.lit(r"\\"), F.lit("-"))
    return escapes.rlike(_LONE_SURROGATE)


def plain_boolean(text: Column) -> Column:
    """As :func:`boolean_value`, of a text without a repeated key.

    >>> df = spark.createDataFrame([('{"BOOL":true}',), ('{"BOOL":true,"BOOL":false}',)], "t string")
    >>> [row[0] for row in df.select(plain_boolean(F.col("t"))).collect()]
    [True, None]
    """
    return F.when(text == '{"BOOL":true}', True).when(text == '{"BOOL":false}', False)


def boolean_value(text: Column) -> Column:
    """The boolean under ``BOOL``, null where it is anything else.

    >>> df = spark.createDataFrame([('{"BOOL":true}',), ('{"BOOL":"true"}',)], "t string")
    >>> [row[0] for row in df.select(boolean_value(F.col("t"))).collect()]
    [True, None]
    """
    return plain_boolean(F.when(text.startswith('{"BOOL":'), normalized(text)))


def binary_value(text: Column) -> Column:
    """The bytes under ``B`` (base64), null where it is anything else.

    >>> df = spark.createDataFrame([('{"B":"QUJD"}',), ('{"B":"?"}',)], "t string")
    >>> [row[0] for row in df.select(binary_value(F.col("t"))).collect()]
    [b'ABC', None]
    """
    return base64_bytes(string_value(text, "B"))


def base64_bytes(text: Column) -> Column:
    """The bytes a base64 text stands for, null where it isn't base64 with its padding.

    >>> df = spark.createDataFrame([("QUI=",), ("QUI",)], "t string")
    >>> [row[0] for row in df.select(base64_bytes(F.col("t"))).collect()]
    [b'AB', None]
    """
    is_base64 = text.rlike(_BASE64) & (F.length(text) % 4 == 0)
    return F.when(is_base64, F.try_to_binary(text, F.lit("base64")))


def number_text(text: Column) -> Column:
    """The digits under ``N`` as they came, null where it is no number.

    >>> df = spark.createDataFrame([('{"N":"-1.50E+3"}',), ('{"N":5}',), ('{"N":"one"}',)], "t string")
    >>> [row[0] for row in df.select(number_text(F.col("t"))).collect()]
    ['-1.50E+3', None, None]
    """
    return valid_number(string_value(text, "N"))


def valid_number(digits: Column) -> Column:
    """The text itself where it is a decimal number, else null.

    >>> df = spark.createDataFrame([("-1.5e3",), ("0x1F",)], "n string")
    >>> [row[0] for row in df.select(valid_number(F.col("n"))).collect()]
    ['-1.5e3', None]
    """
    return F.when(digits.rlike(_NUMBER), digits)


def exact_decimal(digits: Column, precision: int, scale: int) -> Column:
    """A number as ``decimal(precision, scale)``, null where a digit would be lost; never through a double.

    >>> df = spark.createDataFrame([("1.50",), ("1.505",), ("12E-1",), ("1E3",)], "n string")
    >>> [row[0] and str(row[0]) for row in df.select(exact_decimal(F.col("n"), 5, 2)).collect()]
    ['1.50', None, '1.20', None]
    """
    mantissa = F.regexp_replace(digits, "[eE].*$", "")
    exponent = F.coalesce(F.regexp_extract(digits, "[eE](.*)$", 1).try_cast("int"), F.lit(0))
    fraction = F.length(mantissa) - F.length(F.substring_index(mantissa, ".", 1)) - 1
    all_digits = F.regexp_replace(mantissa, "[-.]", "")
    trailing_zeros = F.length(all_digits) - F.length(F.rtrim(all_digits, F.lit("0")))
    places = F.greatest(fraction, F.lit(0)) - exponent - trailing_zeros
    is_zero = F.rtrim(all_digits, F.lit("0")) == ""
    spark_type = f"decimal({precision},{scale})"
    return F.when(is_zero, F.lit(0).cast(spark_type)).when(places <= scale, digits.try_cast(spark_type))


def exact_integer(digits: Column, spark_type: str) -> Column:
    """A whole number as ``int`` or ``bigint``, null where it has a fraction or doesn't fit.

    >>> df = spark.createDataFrame([("12",), ("1.20E1",), ("12.5",), ("9223372036854775808",)], "n string")
    >>> [row[0] for row in df.select(exact_integer(F.col("n"), "bigint")).collect()]
    [12, 12, None, None]
    """
    return exact_decimal(digits, 38, 0).try_cast(spark_type)
