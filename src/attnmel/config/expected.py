"""A problem that pydantic found in a value -> what was expected, in words: of recipes, cards and requests."""

from collections.abc import Mapping
from typing import Any

KINDS = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "string": "a text",
    "tuple": "a list",
    "list": "a list",
    "dict": "a table of keys and values",
    "model": "a table of keys and values",
    "union": "a table with its kind",
}
"""By the first word of the type of an error, such as int_parsing, int_type and int_from_float."""

LIMITS = {
    "greater_than": "more than {gt:.12g}",
    "greater_than_equal": "at least {ge:.12g}",
    "less_than": "less than {lt:.12g}",
    "less_than_equal": "at most {le:.12g}",
    "multiple_of": "a multiple of {multiple_of:.12g}",
    "literal_error": "{expected}",
    "too_short": "at least {min_length}, found {actual_length}",
    "too_long": "at most {max_length}, found {actual_length}",
    "string_too_short": "a text of {min_length} or more letters",
    "string_too_long": "a text of {max_length} or fewer letters",
    "string_pattern_mismatch": "a text of the form {pattern}",
    "union_tag_invalid": "one of the kinds {expected_tags}, found {tag!r}",
}
"""By the type of an error, with the values of its context."""


def expected(error: Mapping[str, Any]) -> str:
    """Return "expected ..." for one of pydantic's errors; the sentence itself of a check of our own."""
    kind, message = str(error["type"]), str(error["msg"])
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    if kind in LIMITS:
        return f"expected {LIMITS[kind].format(**error['ctx'])}"
    if words := KINDS.get(kind.partition("_")[0]):
        return f"expected {words}"
    return message.replace("Input should be ", "expected ")
