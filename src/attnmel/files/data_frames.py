"""Rows of results -> a table of pandas, for those who have it; the package itself does without."""

import importlib.util
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from attnmel.errors import ConfigError

if TYPE_CHECKING:
    from pandas import DataFrame


def frame(rows: Iterable[Mapping[str, object]]) -> "DataFrame":
    """Return rows as a table of pandas, a column for each key; what is not defined is NaN.

    Raises:
        ConfigError: pandas is not installed; says what to do.
    """
    _require_pandas()
    from pandas import DataFrame

    return DataFrame.from_records([dict(row) for row in rows])


def read_frame(path: Path) -> "DataFrame":
    """Return a CSV file of our own as a table of pandas.

    Raises:
        ConfigError: as `frame`.
    """
    _require_pandas()
    from pandas import read_csv

    return read_csv(path)


def is_missing(value: object) -> bool:
    """Return whether a value of a column is none: None, an empty text, NaN, NaT, or NA of pandas."""
    try:
        return value is None or bool(value == "" or value != value)  # NaN is not itself
    except TypeError:  # pandas' NA is neither true nor false
        return True


def _require_pandas() -> None:
    if importlib.util.find_spec("pandas") is None:
        raise ConfigError("to_frame() needs pandas, which is not installed: pip install pandas, or use to_dict()")
