"""A file of text -> rows of cells with their lines, whatever separates them."""

import csv
from pathlib import Path
from typing import NamedTuple

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}

UTF_8_MARK = b"\xef\xbb\xbf"
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class TableRow(NamedTuple):
    """One line that is not blank."""

    line: int
    """Counted from 1."""
    cells: list[str]
    """Without the spaces around them."""


def text_of(path: Path) -> tuple[str, tuple[str, ...], str]:
    """Return the text of a file, notes on what not every program reads, and why it is no text (else "")."""
    content = path.read_bytes()
    if content.startswith(UTF_16_MARKS):
        return "", (), "text in UTF-16"
    notes = []
    if content.startswith(UTF_8_MARK):
        notes.append(f"{path.name} starts with a byte order mark, which the official program may take for text")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return "", (), f"a byte that is not UTF-8 ({content[error.start]:#04x}, byte {error.start + 1})"
    if "\r" in text:
        notes.append(f"{path.name} has Windows line ends, which the official program may refuse")
    return text, tuple(notes), ""


def rows_of(text: str) -> tuple[list[TableRow], str]:
    """Return the rows that are not blank, and what separates their cells, by the first of them.

    Raises:
        ValueError: a cell of more characters than `csv` takes.
    """
    lines = text.splitlines(keepends=True)
    first = next((line for line in lines if line.strip()), "")
    # Neither an image id nor a name or number holds a semicolon or a tab, but a decimal comma is a comma.
    separator = next((mark for mark in (";", "\t") if mark in first.strip()), ",")
    reader = csv.reader(lines, delimiter=separator)
    try:
        rows = [TableRow(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None
    return [row for row in rows if any(row.cells)], separator
