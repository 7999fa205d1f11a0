"""CSV and JSON files of our own: written whole or not at all, read back with one sentence where one is damaged.

What is not defined (NaN, None) is an empty cell in a CSV file and null in a JSON file. No torch.
"""

import csv
import itertools
import json
import math
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attnmel import NOTICE
from attnmel.errors import AttnmelError, printable
from attnmel.folders import replacing


def notice_lines(licence: str) -> str:
    """Return the comment above every table: what it may be used for, and the licence of the training data."""
    # A licence of several lines would end the comment.
    return f"# {NOTICE}\n# Trained on data under: {' '.join(licence.split())}\n"


def table_lines(file: Iterable[str]) -> Iterator[str]:
    """Give the lines of a table without the comments before its header; an image id below may start with "#"."""
    return itertools.dropwhile(lambda line: line.startswith("#"), file)


def write_table(
    path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]], *, licence: str | None = None
) -> None:
    """Write a CSV file in UTF-8; with a licence, below the two lines of `notice_lines`.

    A float is written in full, so that it is read back to the last bit; a name that is no UTF-8 as `printable`.
    """
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        if licence is not None:
            file.write(notice_lines(licence))
        table = csv.writer(file)
        table.writerow(columns)
        table.writerows([_cell(value) for value in row] for row in rows)


def read_header_and_rows(path: Path, *, encoding: str = "utf-8") -> tuple[list[str], list[dict[str, str]]]:
    """Return the header of a CSV file and its rows by column, unchecked, without the comments above it.

    Raises:
        ValueError: the file is not text.
        csv.Error: the file is no table.
    """
    with path.open(newline="", encoding=encoding) as file:
        reader = csv.DictReader(table_lines(file))
        header = list(reader.fieldnames or ())
        return header, list(reader)


def read_table(path: Path, columns: Iterable[str] = ()) -> list[dict[str, str]]:
    """Return the rows of a CSV file, by column, without the comments above it.

    Raises:
        KeyError: the header lacks one of the `columns`; to be caught by `damage`, as the other two.
        ValueError: the file is not text, or a row has no cell in one of the columns, or more cells than the header.
        csv.Error: the file is no table.
    """
    wanted = set(columns)
    header, rows = read_header_and_rows(path)
    if missing := wanted - set(header):
        raise KeyError(", ".join(sorted(missing)))
    if wanted and any(None in row or any(row[name] is None for name in wanted) for row in rows):
        raise ValueError("rows of unequal length")
    return rows


def number_or_nan(cell: str) -> float:
    """Return the number in a cell; NaN where the cell is empty."""
    return float(cell) if cell else math.nan


def write_json(path: Path, plain: object, *, indent: int | None = 2) -> None:
    """Write plain values as JSON."""
    with replacing(path) as part:
        part.write_text(json.dumps(nan_to_null(plain), indent=indent, allow_nan=False), encoding="utf-8")


def read_json(path: Path) -> Any:  # noqa: ANN401 - any JSON
    """Return the plain values of a JSON file; null stays None.

    Raises:
        ValueError: the file is no JSON in UTF-8; to be caught by `damage`.
    """
    return json.loads(path.read_text(encoding="utf-8"))


def nan_to_null(plain: Any) -> Any:  # noqa: ANN401 - walks JSON
    """Return the same plain values with None for NaN, which JSON has no word for."""
    return _replaced(plain, lambda value: isinstance(value, float) and math.isnan(value), None)


def null_to_nan(plain: Any) -> Any:  # noqa: ANN401 - walks JSON
    """Return the same plain values with NaN for None, for records that leave out what is None."""
    return _replaced(plain, lambda value: value is None, math.nan)


def printable_texts(plain: Any) -> Any:  # noqa: ANN401 - walks JSON
    """Return the same plain values with texts that UTF-8 can hold, as `printable`."""
    if isinstance(plain, dict):
        return {printable(str(key)): printable_texts(value) for key, value in plain.items()}
    if isinstance(plain, list | tuple):
        return [printable_texts(value) for value in plain]
    return printable(plain) if isinstance(plain, str) else plain


@contextmanager
def damage(
    path: Path, error: type[AttnmelError], cure: str, *, found: str = "damaged", missing: bool = False
) -> Iterator[None]:
    """Turn what goes wrong while a file is read and parsed into the sentence "PATH is FOUND; CURE".

    With `missing`, also that the file is not there or cannot be opened.

    Raises:
        AttnmelError: of the given kind.
    """
    try:
        yield
    # pydantic's ValidationError, JSONDecodeError and UnicodeDecodeError are ValueErrors.
    except (ValueError, LookupError, TypeError, AttributeError, csv.Error, zipfile.BadZipFile, zlib.error, EOFError):
        raise error(f"{path} is {found}; {cure}") from None
    except OSError:
        if not missing:
            raise
        raise error(f"{path} is {found}; {cure}") from None


def _cell(value: object) -> object:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return repr(float(value)) if isinstance(value, float) else value


def _replaced(plain: Any, wanted: Any, by: Any) -> Any:  # noqa: ANN401 - walks JSON
    if isinstance(plain, dict):
        return {key: _replaced(value, wanted, by) for key, value in plain.items()}
    if isinstance(plain, list | tuple):
        return [_replaced(value, wanted, by) for value in plain]
    return by if wanted(plain) else plain
