"""Numbers as text: the same digits, dashes and signs in every table and sentence."""

import math
from collections.abc import Sequence

DASH = "\N{EN DASH}"
TO = " to "
"""Between two ends that have signs, where a dash would be read as a minus."""


def fixed(value: float | None, digits: int = 3, *, missing: str = DASH) -> str:
    """Return a number with fixed digits; `missing` where there is none."""
    return missing if value is None or math.isnan(value) else f"{value:.{digits}f}"


def in_full(threshold: float, *, missing: str = DASH) -> str:
    """Return a threshold with all of its digits, so that it decides in use as it was evaluated."""
    return missing if math.isnan(threshold) else repr(threshold)


def plus(value: float, digits: int = 3) -> str:
    """Return a difference with its sign."""
    return f"{value:+.{digits}f}"


def span(ends: Sequence[float], digits: int = 3, *, to: str = DASH) -> str:
    """Return the ends of an interval, which are the last two of the numbers given; empty where one is not defined."""
    low, high = ends[-2:]
    return "" if math.isnan(low) or math.isnan(high) else f"{low:.{digits}f}{to}{high:.{digits}f}"


def plus_span(ends: Sequence[float]) -> str:
    """Return the ends of a difference's interval with their signs; empty where one is not defined."""
    low, high = ends[-2:]
    return "" if math.isnan(low) or math.isnan(high) else f"{plus(low)}{TO}{plus(high)}"


def in_brackets(numbers: Sequence[float], digits: int = 3, *, to: str = DASH, missing: str = DASH) -> str:
    """Return a value with its interval in brackets, as far as that is defined."""
    ends = span(numbers, digits, to=to)
    return fixed(numbers[0], digits, missing=missing) + (f" ({ends})" if ends else "")


def plain(numbers: Sequence[float]) -> list[str]:
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


def percent(share: float, form: str = ".3g") -> str:
    """Return a proportion in per cent."""
    return f"{100 * share:{form}} %"


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
