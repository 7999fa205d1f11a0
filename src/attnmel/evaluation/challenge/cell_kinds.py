"""What a cell of a table may hold, and the number it stands for."""

import re
from collections.abc import Callable
from dataclasses import dataclass

# What Python's float takes beyond this (nan, inf, 1_0, digits of other scripts) no other program reads alike.
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)

LONGEST = 40
"""Characters of a cell that are shown in a message."""


@dataclass(frozen=True)
class Kind:
    """What the cells of a column must hold."""

    expected: str
    """In words."""
    read: Callable[[str], float | None]
    """Return the number; None for a cell of another kind."""


def shown(cell: str) -> str:
    """Return a cell as a message shows it: quoted, short, on one line."""
    if not cell:
        return "nothing"
    short = cell if len(cell) <= LONGEST else f"{cell[:LONGEST]}..."
    return f"'{short}'" if short.isprintable() else repr(short)


def _number(cell: str) -> float | None:
    return float(cell) if NUMBER.fullmatch(cell) else None


def _share(cell: str) -> float | None:
    number = _number(cell)
    return number if number is not None and 0 <= number <= 1 else None


def _weight(cell: str) -> float | None:
    number = _number(cell)
    return number if number is not None and 0 <= number < float("inf") else None


PROBABILITY = Kind("a number in [0, 1]", _share)
TRUTH = Kind("0 or 1", {"0": 0.0, "0.0": 0.0, "1": 1.0, "1.0": 1.0}.get)
MALIGNANT = Kind(
    "benign or malignant (or 0.0 or 1.0)",
    {"benign": 0.0, "malignant": 1.0, "0": 0.0, "0.0": 0.0, "1": 1.0, "1.0": 1.0}.get,
)
WEIGHT = Kind("a number of at least 0", _weight)
