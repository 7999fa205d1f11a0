"""The text of a table, whichever program wrote it -> rows of cells, and how they were read. No torch."""

import csv
import io
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from attnmel.data.tables.problems import shown_cell
from attnmel.errors import counted

SEPARATORS = {";": "semicolons", "\t": "tabs", ",": "commas"}
"""In the order of preference: no id or number contains a semicolon or a tab, but a decimal comma is a comma."""

UTF_8_MARK = b"\xef\xbb\xbf"
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""First bytes of the files of Excel, .xlsx and .xls."""

SAVE_AS_CSV = "open it in the spreadsheet program and save it as CSV (in Excel: Save As, 'CSV UTF-8')"

LARGEST = 2**28
"""Bytes; a table of ten million rows is smaller."""

SEPARATOR_LINE = re.compile(r"sep=(.)\s*")
"""First line by which a table tells Excel its separator."""


class Row(NamedTuple):
    """One line that is not blank."""

    line: int
    """Counted from 1."""
    cells: list[str]
    """Without spaces around them."""


@dataclass(frozen=True)
class TableText:
    """The rows of a table, and how its bytes were read."""

    rows: tuple[Row, ...]
    """At least one."""
    separator: str
    encoding: str
    """"UTF-8", "UTF-16" or "Windows-1252"."""
    has_mark: bool
    """Whether the text starts with the byte order mark of UTF-8."""
    windows_lines: bool
    padded: tuple[tuple[int, str], ...] = ()
    """Line and text of each cell with spaces around it, which are left out of the rows."""

    def space_notes(self, name: str) -> list[str]:
        """Return a sentence on the spaces around cells that were left out, if there are any."""
        if not self.padded:
            return []
        line, cell = self.padded[0]
        count = counted(len(self.padded), "cell")
        return [f"{name}: spaces around {count} are left out (the first in line {line}, {shown_cell(cell)})"]

    def notes(self, name: str) -> list[str]:
        """Return what the official program may not read of a file of that name, a sentence each."""
        mark = f"{name} starts with a byte order mark, which the official program may take for text"
        ends = f"{name} has Windows line ends, which the official program may refuse"
        return [*([mark] if self.has_mark else []), *([ends] if self.windows_lines else [])]

    def number(self, cell: str) -> str:
        """Return a cell with a decimal point for a decimal comma, which it can have where commas do not separate."""
        return cell.replace(",", ".") if self.separator != "," and cell.count(",") == 1 else cell


def read_text(path: Path) -> TableText:
    """Read a table in UTF-8, UTF-16 or else Windows-1252, separated by semicolons, tabs or commas.

    The separator is the one that is most frequent in the first row. Letters with accents are composed (NFC), whichever
    way they are written.

    Raises:
        ValueError: says what the file is instead of a table.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"a file of more than {LARGEST >> 20} MiB")
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"a file that cannot be read ({error.strerror})") from None
    if content.startswith(WORKBOOKS):
        raise ValueError(f"an Excel workbook, whatever its name; {SAVE_AS_CSV}")
    text, encoding = _decoded(content)
    rows, separator, padded = _rows(unicodedata.normalize("NFC", text))
    return TableText(rows, separator, encoding, content.startswith(UTF_8_MARK), "\r" in text, padded)


def _decoded(content: bytes) -> tuple[str, str]:
    """Return the text of some bytes, and the name of their encoding."""
    sparse = content[:400].count(b"\0") > len(content[:400]) // 4
    if content.startswith(UTF_16_MARKS) or sparse:
        codec = "utf-16" if content.startswith(UTF_16_MARKS) else "utf-16-be" if content[:1] == b"\0" else "utf-16-le"
        names = ((codec, "UTF-16"),)
    else:
        names = (("utf-8-sig", "UTF-8"), ("cp1252", "Windows-1252"))
    for codec, name in names:
        try:
            text = content.decode(codec)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text, name
    raise ValueError("a file that is not text in UTF-8, UTF-16 or Windows-1252")


def _rows(text: str) -> tuple[tuple[Row, ...], str, tuple[tuple[int, str], ...]]:
    """Return the rows that are not blank, the separator of their cells, and the cells that had spaces around them."""
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    named = SEPARATOR_LINE.fullmatch(first)
    separator = named[1] if named and named[1] in SEPARATORS else _separator(first)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        raw = [Row(reader.line_num, cells) for cells in reader]
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}, which cannot be split into cells ({error})") from None
    padded = tuple((line, cell) for line, cells in raw for cell in cells if cell.strip() and cell != cell.strip())
    rows = tuple(Row(line, [cell.strip() for cell in cells]) for line, cells in raw)
    rows = tuple(row for row in rows if any(row.cells))[bool(named) :]
    if not rows:
        raise ValueError("an empty file")
    return rows, separator, padded


def _separator(line: str) -> str:
    """Return the most frequent separator of a line, outside of quotation marks."""
    bare = re.sub(r'"[^"]*"', "", line.strip(" "))
    return max(SEPARATORS, key=bare.count) if any(mark in bare for mark in SEPARATORS) else ","
