"""A table with a header -> its rows as cells by column, and what is wrong with it. No torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from attnmel.data.tables.problems import Problem, shown_cell
from attnmel.data.tables.text import read_text
from attnmel.data.tables.words import folded


@dataclass(frozen=True)
class ColumnTable:
    """The rows that can be used."""

    rows: tuple[tuple[int, Mapping[str, str]], ...]
    """Line, and the cell of each column by its name in small letters; columns that are not asked for as well."""
    problems: tuple[Problem, ...]


def read_columns(path: Path, required: Sequence[str]) -> ColumnTable:
    """Read a table that must have some columns, in any order; others are kept."""
    header = ",".join(required)
    try:
        first, *body = read_text(path).rows
    except ValueError as damage:
        return ColumnTable((), (in_file(path, 0, "", str(damage), f"a table with the columns {header}"),))
    names = [folded(cell) for cell in first.cells]
    if missing := [name for name in required if name not in names]:
        found = f"the header {shown_cell(','.join(first.cells))}"
        return ColumnTable((), (in_file(path, first.line, "", found, f"the columns {', '.join(missing)} too"),))
    if not body:
        return ColumnTable((), (in_file(path, 0, "", "no row below the header", "one for every image"),))
    rows = [(line, dict(zip(names, cells, strict=True))) for line, cells in body if len(cells) == len(names)]
    odd = [
        in_file(path, line, "", f"{len(cells)} cells", f"{len(names)}, as in the header")
        for line, cells in body
        if len(cells) != len(names)
    ]
    return ColumnTable(tuple(rows), tuple(odd))


def in_file(path: Path, line: int, column: str, found: str, expected: str) -> Problem:
    """Return a problem that names its file, since a data set may have several tables."""
    return Problem(line, column, f"{found} in {path.name}", expected, kind="row" if line else "file")
