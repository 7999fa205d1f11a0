"""An official table -> its columns by image id, and every problem in it. No torch.

A schema names the columns and what their cells may hold. One reader serves the labels of a data set, `verify` and
`score`: it collects the problems instead of stopping at the first, each with line, column, what was found and what was
expected.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from attnmel.data.tables.problems import Problem, refuse, shown_cell
from attnmel.data.tables.text import SEPARATORS, Row, read_text
from attnmel.errors import AttnmelError, LabelError, PredictionsError, listed
from attnmel.shapes import Float

# What Python's float accepts beyond this (nan, inf, 1_0, digits of other scripts) other programs read differently.
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)

Value = float | str


@dataclass(frozen=True)
class CellKind:
    """What the cells of a column must hold."""

    expected: str
    """In words."""
    read: Callable[[str], Value | None]
    """Return the value; None for a cell that is not of this kind."""


def _up_to(most: float) -> Callable[[str], float | None]:
    return lambda cell: float(cell) if NUMBER.fullmatch(cell) and 0 <= float(cell) <= most else None


PROBABILITY = CellKind("a number in [0, 1]", _up_to(1))
WEIGHT = CellKind("a number of at least 0", _up_to(float(np.finfo(np.float64).max)))
TEXT = CellKind("text", str)

_BINARY = {"0": 0.0, "0.0": 0.0, "1": 1.0, "1.0": 1.0}
TRUTH = CellKind("0 or 1", _BINARY.get)
MALIGNANCY = CellKind("benign or malignant (or 0.0 or 1.0)", {"benign": 0.0, "malignant": 1.0, **_BINARY}.get)


@dataclass(frozen=True)
class TableSchema:
    """The columns of a table with one row per image."""

    key: str
    """Name of the column of image ids."""
    columns: Mapping[str, CellKind]
    optional: Mapping[str, CellKind] = field(default_factory=dict)
    """Columns that may be missing."""
    header: bool = True
    """Whether the first line names the columns; without it, the image id is first and the others follow in order."""
    ones: tuple[int, int] | None = None
    """Least and greatest number of columns that are 1 in a row; None where that is not checked."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every required column, in the official order."""
        return (self.key, *self.columns)

    @property
    def first_line(self) -> str:
        """How a message describes the expected header; empty where there is none."""
        return f"the header {','.join(self.names)}, then " if self.header else ""


@dataclass(frozen=True)
class CheckedTable:
    """The content of a table; use it only after `refuse` found no problem in it."""

    name: str
    """Of the file."""
    ids: tuple[str, ...]
    columns: dict[str, list[Value | None]]
    """None where a cell could not be read."""
    lines: dict[str, int]
    """Line of each image."""
    problems: tuple[Problem, ...]
    """By line."""
    notes: tuple[str, ...]
    """What was accepted here but another program may refuse, a sentence each."""

    def values(self, names: Sequence[str]) -> Float[np.ndarray, "N K"]:
        """Return some columns of numbers as an array; NaN where a cell could not be read."""
        return np.array([self.columns[name] for name in names], dtype=np.float64).T.reshape(len(self.ids), len(names))


class TableHeader(NamedTuple):
    """The meaning of the first line."""

    places: dict[str, int]
    """Position in a row of each known column."""
    width: int
    """Number of cells a row must have."""
    body: Sequence[Row]
    problems: list[Problem]


def read_official_table(path: Path, schema: TableSchema, advice: str = "") -> CheckedTable:
    """Read a table of a data set that must have no problem; `advice` ends the message of an error."""
    table = check_table(path, schema, LabelError)
    refuse({str(path): table.problems}, LabelError, advice)
    return table


def check_table(path: Path, schema: TableSchema, error: type[AttnmelError] = PredictionsError) -> CheckedTable:
    """Read a table and collect its problems.

    A byte order mark, Windows line ends and columns in another order are accepted and mentioned in a note.

    Raises:
        error: no such file.
    """
    if not path.is_file():
        raise error(no_table(path, schema))
    expected = f"{schema.first_line}one row an image, as text in UTF-8"
    try:
        text = read_text(path)
        if text.encoding != "UTF-8":
            raise ValueError(f"text in {text.encoding}")
    except ValueError as damage:
        problem = Problem(0, "", str(damage), expected, kind="file")
        return CheckedTable(path.name, (), {}, {}, (problem,), ())
    header, notes = _header(text.rows, schema), [*text.notes(path.name), *text.space_notes(path.name)]
    problems = header.problems
    if text.separator != ",":
        found = f"cells separated by {SEPARATORS[text.separator]}"
        problems.append(Problem(1, "", found, "commas", kind="file"))
    if not header.body:
        problems.append(Problem(0, "", "no row below the header", "one row an image", kind="file"))
    if sorted(header.places.values()) != list(header.places.values()):
        notes.append(f"{path.name} has its columns in another order than {','.join(schema.names)}")
    lines, columns = read_body(header, schema, problems)
    return CheckedTable(path.name, tuple(lines), columns, lines, tuple(sorted(problems)), tuple(notes))


def no_table(path: Path, schema: TableSchema) -> str:
    """Return what is said where there is no file: that there is nothing, or a folder with other files."""
    expected = f"expected a table with the columns {','.join(schema.names)}"
    if not path.is_dir():
        return f"no file at {path}; {expected}"
    tables = sorted(one.name for one in path.glob("*.csv"))
    inside = f"; name one of the files in it: {listed(tables)}" if tables else ""
    return f"{path} is a folder; {expected}{inside}"


def _header(rows: Sequence[Row], schema: TableSchema) -> TableHeader:
    line, header = rows[0]
    whole = shown_cell(",".join(header))
    by_order = {name: place for place, name in enumerate(schema.names)}
    named = header[0].casefold() in ("image", "image_id")
    below = rows[1:] if named else rows

    def problem(found: str, expected: str, column: str = "") -> Problem:
        return Problem(line, column, found, expected, kind="file")

    if not schema.header:
        wrong = problem(f"a header ({whole})", f"none: {','.join(schema.names)} from the first line on")
        return TableHeader(by_order, len(by_order), below, [wrong] if named else [])
    expected = f"the header {','.join(schema.names)}"
    if not set(schema.names) & set(header):
        # Only the order is left to go by, which at least shows what is wrong with the cells.
        places = by_order if len(header) == len(by_order) else {}
        found = f"the header {whole}" if named else f"no header but {whole}"
        return TableHeader(places, len(header), below, [problem(found, expected)])
    known = (*schema.names, *schema.optional)
    problems = [
        *(problem("no such column", expected, name) for name in schema.names if name not in header),
        *(problem("a column too many", expected, name or "without a name") for name in header if name not in known),
        *(problem("that column twice", expected, name) for name in known if header.count(name) > 1),
    ]
    places = {name: header.index(name) for name in known if name in header}
    return TableHeader(places, len(header), rows[1:], problems)


def read_body(
    header: TableHeader, schema: TableSchema, problems: list[Problem]
) -> tuple[dict[str, int], dict[str, list[Value | None]]]:
    """Return the line of each image and its cells by column; without a column of ids, nothing.

    Problems of the rows are added to `problems`.
    """
    kinds = {name: kind for name, kind in {**schema.columns, **schema.optional}.items() if name in header.places}
    lines: dict[str, int] = {}
    columns: dict[str, list[Value | None]] = {name: [] for name in kinds}
    place = header.places.get(schema.key, 0)
    for line, cells in header.body if schema.key in header.places else ():
        image_id = cells[place] if place < len(cells) else ""
        if not image_id:
            problems.append(Problem(line, schema.key, "nothing", "an image id"))
        elif image_id in lines:
            once = f"each image once (it is in line {lines[image_id]} already)"
            problems.append(Problem(line, schema.key, shown_cell(image_id), once, image_id, "doubled"))
        else:
            lines[image_id] = line
            whole = len(cells) == header.width
            row = {name: kind.read(cells[header.places[name]]) if whole else None for name, kind in kinds.items()}
            for name, value in row.items():
                columns[name].append(value)
            if not whole:
                expected = f"{header.width}, for {','.join(schema.names)}"
                problems.append(Problem(line, "", f"{len(cells)} cells", expected, image_id))
            elif None in row.values():
                problems += [
                    Problem(line, name, shown_cell(cells[header.places[name]]), kinds[name].expected, image_id)
                    for name, value in row.items()
                    if value is None
                ]
            elif schema.ones is not None and schema.columns.keys() <= row.keys():
                problems += _ones(line, image_id, [row[name] for name in schema.columns], *schema.ones)
    return lines, columns


def _ones(line: int, image_id: str, values: Sequence[Value | None], least: int, most: int) -> list[Problem]:
    ones = values.count(1.0)
    if least <= ones <= most:
        return []
    expected = f"exactly {most}" if least == most else f"at most {most}"
    return [Problem(line, "", f"{ones} columns that are 1", expected, image_id)]
