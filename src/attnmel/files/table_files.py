"""CSV and JSON files of our own: written whole or not at all, read back with one sentence where one is damaged.

What is not defined (NaN, None) is an empty cell in a CSV file and null in a JSON file. A CSV file holds its header and
its rows, nothing else: what they may be used for is in a text file next to it. No torch.
"""

import csv
import io
import itertools
import json
import math
import re
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from attnmel import NOTICE
from attnmel.errors import AttnmelError, printable
from attnmel.files.folders import NOTICES, replacing, write_text

DAMAGE = (
    ValueError,  # also pydantic's ValidationError, JSONDecodeError and UnicodeDecodeError
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,  # a number that no float holds
    RuntimeError,  # a zip that is encrypted, or of a kind that zipfile lacks
    csv.Error,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
)
"""What reading and parsing a damaged file of our own raises."""

Computed = TypeVar("Computed")

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""Start of a text that a spreadsheet may take for a formula, or of one that was guarded against it."""


def notice_text(licence: str, *notes: str) -> str:
    """Return what a table may be used for, the licence of the training data, and notes, a line each."""
    return "\n".join([NOTICE, f"Trained on data under: {' '.join(licence.split())}", *notes, ""])


def table_lines(file: Iterable[str]) -> Iterator[str]:
    """Give the lines of a table without the comments that earlier versions wrote above its header.

    An image id below may start with "#".
    """
    return itertools.dropwhile(lambda line: line.startswith("#"), file)


def csv_row(cells: Iterable[object]) -> str:
    """Return one row of any CSV file that this program writes.

    A float is written in full, so that it is read back to the last bit; what is not defined is empty. A text that
    starts like a formula (= + - @, tab, return) is written after an apostrophe, which `read_table` takes off again.
    """
    text = io.StringIO()
    # Only with this end of line does Python 3.11 quote a text with "\r" in it.
    csv.writer(text, lineterminator="\r\n").writerow([_cell(value) for value in cells])
    return f"{text.getvalue()[:-2]}\n"


def csv_encoding(texts: Iterable[str]) -> str:
    """Return UTF-8, with a byte order mark only if a text is not ASCII: without it Excel misreads such letters."""
    return "utf-8" if all(map(str.isascii, texts)) else "utf-8-sig"


def write_table(
    path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]], *, licence: str | None = None
) -> None:
    """Write a CSV file: the header, then the rows by `csv_row`; with a licence, its notice into `NOTICES` next to it.

    No `columns` give no header. A file name that is no text is written with its bytes in figures.
    """
    lines = [*([csv_row(columns)] if columns else []), *map(csv_row, rows)]
    encoding = csv_encoding(lines)
    with replacing(path) as part, part.open("w", newline="", encoding=encoding, errors="backslashreplace") as file:
        file.writelines(lines)
    if licence is not None:
        write_text(path.with_name(NOTICES), notice_text(licence))


def notice_path(table: Path) -> Path:
    """Return the file of a single table's notice, which is next to it."""
    return table.with_name(f"{table.name}.notice.txt")


def read_header_and_rows(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Return the header of a CSV file and its rows by column, otherwise unchecked.

    Comments above the header and a byte order mark are left out, and what guards a text by `csv_row` is taken off.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(table_lines(file))
        header = [unguarded(name) for name in reader.fieldnames or ()]
        reader.fieldnames = header
        return header, [{name: unguarded(cell) for name, cell in row.items()} for row in reader]


def read_table(path: Path, columns: Iterable[str] = ()) -> list[dict[str, str]]:
    """Return the rows of a CSV file, by column, without the comments above it.

    Raises:
        KeyError: the header lacks one of the `columns`; to be caught by `damage`, as the other two.
        ValueError: the file is not text, or a row has no cell in one of the columns, or more cells than the header.
    """
    wanted = set(columns)
    header, rows = read_header_and_rows(path)
    if missing := wanted - set(header):
        raise KeyError(", ".join(sorted(missing)))
    if wanted and any(None in row or any(row[name] is None for name in wanted) for row in rows):
        raise ValueError("rows of unequal length")
    return rows


def unguarded(cell: Any) -> Any:  # noqa: ANN401 - a text; None and a list where rows are of unequal length
    """Return a text as it was before `csv_row` guarded it; anything else as it is."""
    return cell[1:] if isinstance(cell, str) and cell.startswith("'") and _FORMULA.match(cell) else cell


def number_or_nan(cell: str) -> float:
    """Return the number in a cell; NaN where the cell is empty."""
    return float(cell) if cell else math.nan


def write_json(path: Path, plain: object, *, indent: int | None = 2, durable: bool = False) -> None:
    """Write plain values as JSON; `durable` as in `replacing`."""
    write_text(path, json.dumps(nan_to_null(plain), indent=indent, allow_nan=False), durable=durable)


def read_json(path: Path) -> Any:  # noqa: ANN401 - any JSON
    """Return the plain values of a JSON file; null stays None."""
    return parsed_json(path.read_text(encoding="utf-8"))


def parsed_json(text: str | bytes) -> Any:  # noqa: ANN401 - any JSON
    """Return the plain values of a JSON text.

    Raises:
        ValueError: it is no JSON in UTF-8, has a whole number that no float holds, or is nested too deeply.
    """
    try:
        return json.loads(text, parse_int=_whole_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _whole_number(text: str) -> int:
    if len(text) > sys.float_info.max_10_exp:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def computed_once(path: Path, compute: Callable[[], object], read: Callable[[Any], Computed]) -> Computed:
    """Return what `read` makes of a JSON file of the cache, which is computed where it is missing or damaged."""
    with suppress(FileNotFoundError, *DAMAGE):
        return read(read_json(path))
    write_json(path, compute(), indent=None)
    return read(read_json(path))


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
    except DAMAGE:
        raise error(f"{path} is {found}; {cure}") from None
    except OSError:
        if not missing:
            raise
        raise error(f"{path} is {found}; {cure}") from None


def _cell(value: object) -> object:
    if isinstance(value, str):
        return f"'{value}" if _FORMULA.match(value) else value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return repr(float(value)) if isinstance(value, float) else value


def _replaced(plain: Any, wanted: Any, by: Any) -> Any:  # noqa: ANN401 - walks JSON
    if isinstance(plain, dict):
        return {key: _replaced(value, wanted, by) for key, value in plain.items()}
    if isinstance(plain, list | tuple):
        return [_replaced(value, wanted, by) for value in plain]
    return by if wanted(plain) else plain
