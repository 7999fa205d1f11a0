"""Numbers as text: the same digits, dashes, signs and units in every table and sentence.

Nothing else formats measures, shares, sizes or times. Two forms are Python's own: `:,` for a count, and `:g` for a
number that somebody set, which is repeated as it was given.
"""

import math
from collections.abc import Sequence
from typing import SupportsFloat

DASH = "\N{EN DASH}"
TO = " to "
"""Between two ends that have signs, where a dash would be read as a minus."""


def fixed(value: SupportsFloat | None, digits: int = 3, *, missing: str = DASH) -> str:
    """Return a number with fixed digits; `missing` where there is none."""
    return missing if value is None or math.isnan(value) else f"{value:.{digits}f}"


def significant(value: SupportsFloat, digits: int = 3) -> str:
    """Return a number of any size with its leading digits; "nan" where there is none."""
    return f"{value:.{digits}g}"


def in_full(threshold: float, *, missing: str = DASH) -> str:
    """Return a threshold with all of its digits, so that it decides in use as it was evaluated."""
    return missing if math.isnan(threshold) else repr(threshold)


def plus(value: float, digits: int = 3) -> str:
    """Return a difference with its sign."""
    return f"{value:+.{digits}f}"


def span(ends: Sequence[SupportsFloat], digits: int = 3, *, to: str = DASH) -> str:
    """Return the ends of an interval, which are the last two of the numbers given; empty where one is not defined."""
    low, high = ends[-2:]
    return "" if math.isnan(low) or math.isnan(high) else f"{low:.{digits}f}{to}{high:.{digits}f}"


def plus_span(ends: Sequence[float], digits: int = 3) -> str:
    """Return the ends of a difference's interval with their signs; empty where one is not defined."""
    low, high = ends[-2:]
    return "" if math.isnan(low) or math.isnan(high) else f"{plus(low, digits)}{TO}{plus(high, digits)}"


def in_brackets(numbers: Sequence[float], digits: int = 3, *, to: str = DASH, missing: str = DASH) -> str:
    """Return a value with its interval in brackets, as far as that is defined."""
    ends = span(numbers, digits, to=to)
    return fixed(numbers[0], digits, missing=missing) + (f" ({ends})" if ends else "")


def plus_in_brackets(numbers: Sequence[float]) -> str:
    """Return a difference with its interval in brackets, all with their signs, as far as that is defined."""
    ends = plus_span(numbers)
    return plus(numbers[0]) + (f" ({ends})" if ends else "")


def in_ascii(numbers: Sequence[float]) -> str:
    """Return a value with its interval in brackets as a cell of a terminal's table, in ASCII."""
    return in_brackets(numbers, to=" - ", missing="-")


def two_cells(numbers: Sequence[float]) -> list[str]:
    """Return a value and its interval as two cells of a terminal's table, in ASCII."""
    return [fixed(numbers[0], missing="-"), span(numbers, to=" - ")]


def stacked(interval: Sequence[float]) -> str:
    """Return a value above its interval, a line each, for a cell of a table."""
    return f"{fixed(interval[0])}\n{span(interval)}".rstrip()


def signed(interval: Sequence[float]) -> str:
    """Return a value that may be below 0 above its interval."""
    return minus(f"{fixed(interval[0])}\n{span(interval, to=TO if interval[1] < 0 else DASH)}".rstrip())


def minus(text: str) -> str:
    """Replace each hyphen by a minus sign."""
    return text.replace("-", "\N{MINUS SIGN}")


def percent(share: SupportsFloat, digits: int | None = None) -> str:
    """Return a proportion in per cent, with `digits` after the point, or with three leading digits."""
    hundredths = 100 * float(share)
    return f"{significant(hundredths) if digits is None else fixed(hundredths, digits)} %"


def p_words(p: float) -> str:
    """Return a p value with its relation sign, with three decimals, or more where they hide the side of 0.05."""
    if math.isnan(p):
        return "not known"
    if p < 0.001:
        return "< 0.001"
    texts = (f"{p:.{digits}f}" for digits in (3, 4, 5))
    return f"= {next((text for text in texts if float(text) != 0.05), '0.05000')}"


def p_cell(p: float) -> str:
    """Return a p value for a cell of a table, without the sign of equality; a dash where it is not known."""
    return DASH if math.isnan(p) else p_words(p).removeprefix("= ")


def duration(seconds: float) -> str:
    """Return a time in words, in the two largest units: 45 s, 12 min, 3 h 20 min, 2 d 4 h."""
    minutes = round(max(0.0, seconds) / 60)
    if minutes < 2:
        return f"{max(0.0, seconds):.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"


def size_in_words(count: float | None) -> str:
    """Return a number of bytes in units of a thousand, 5.8 GB; "unknown size" for None."""
    if count is None:
        return "unknown size"
    size = float(count)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
