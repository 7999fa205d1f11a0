"""A table that somebody else wrote -> numbers by image id, or everything that is wrong with it, told at once.

What is wrong is collected, not raised at the first cell: who has to correct a file wants to know all of it. Each
problem is one sentence with file, line, column, what was found and what was expected.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

from attnmel.errors import PredictionsError
from attnmel.evaluation.challenge.cell_kinds import Kind, shown
from attnmel.evaluation.challenge.table_rows import SEPARATORS, TableRow, rows_of, text_of

TOLD = 20
"""Problems of a file that are told in words; the others are counted."""


@dataclass(frozen=True)
class Layout:
    """What a table must hold: one row an image, the image id first."""

    key: str
    """Name of the column of image ids."""
    columns: Mapping[str, Kind]
    optional: Mapping[str, Kind] = field(default_factory=dict)
    """Columns that may be there."""
    header: bool = True
    """Whether the first line names the columns; without it, they stand in the order given here."""
    ones: tuple[int, int] | None = None
    """Least and most columns that are 1 in a row; None where that does not matter."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every column that must be there, in the official order."""
        return (self.key, *self.columns)


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong with a file."""

    line: int
    """Counted from 1; 0 for the file as a whole."""
    column: str
    """Empty where no single one is meant."""
    found: str
    expected: str

    def sentence(self, file: str) -> str:
        """Say it."""
        line = f", line {self.line}" if self.line else ""
        column = f", column {self.column}" if self.column else ""
        return f"{file}{line}{column}: found {self.found}, expected {self.expected}"


@dataclass(frozen=True)
class CheckedTable:
    """What was read of a file; not to be used before `refuse` found no problem in it."""

    name: str
    """Of the file."""
    ids: tuple[str, ...]
    columns: dict[str, Float[np.ndarray, " N"]]
    """NaN where a cell could not be read."""
    lines: dict[str, int]
    """Line of each image."""
    problems: tuple[Problem, ...]
    """By line."""
    notes: tuple[str, ...]
    """What was read all the same, but another program may refuse: a sentence each."""

    def values(self, names: Sequence[str]) -> Float[np.ndarray, "N K"]:
        """Return some columns side by side."""
        return np.stack([self.columns[name] for name in names], axis=1)


def read_table(path: Path, layout: Layout) -> CheckedTable:
    """Read a table that must be without a problem.

    Raises:
        PredictionsError: no such file, or something is wrong with it; tells all of it.
    """
    table = check_table(path, layout)
    refuse({table.name: table.problems})
    return table


def check_table(path: Path, layout: Layout) -> CheckedTable:
    """Read a table and collect what is wrong with it.

    A byte order mark, Windows line ends and columns in another order are read all the same, and said in a note.

    Raises:
        PredictionsError: no such file.
    """
    if not path.is_file():
        raise PredictionsError(f"no file at {path}; expected a table with the columns {','.join(layout.names)}")
    text, notes, damage = text_of(path)
    rows, separator = [], ","
    if not damage:
        try:
            rows, separator = rows_of(text)
        except ValueError as error:
            damage = str(error)
    if damage or not rows:
        problem = Problem(0, "", damage or "an empty file", f"{_first_line(layout)}one row an image, as text in UTF-8")
        return CheckedTable(path.name, (), {}, {}, (problem,), ())
    top = _top(rows, layout)
    problems = list(top.problems)
    if separator != ",":
        problems.append(Problem(1, "", f"cells separated by {SEPARATORS[separator]}", "commas"))
    if not top.body:
        problems.append(Problem(0, "", "no row below the header", "one row an image"))
    body = _Body(layout, top)
    body.read()
    problems += body.problems
    in_order = sorted(top.places.values()) == list(top.places.values())
    notes += () if in_order else (f"{path.name} has its columns in another order than {','.join(layout.names)}",)
    columns = {name: np.array(cells, dtype=np.float64) for name, cells in body.cells.items()}
    return CheckedTable(path.name, tuple(body.lines), columns, body.lines, tuple(sorted(problems)), notes)


def refuse(problems: Mapping[str, Sequence[Problem]]) -> None:
    """Complain of the problems of files by name, if there are any; the first `TOLD` of each file in words.

    Raises:
        PredictionsError: tells them, a line each.
    """
    many = sum(len(ones) for ones in problems.values())
    told = [sentence for file, ones in problems.items() for sentence in _sentences(file, ones)]
    if many == 1:
        raise PredictionsError(told[0])
    if many:
        raise PredictionsError(f"{many} problems; correct them all:" + "".join(f"\n  {one}" for one in told))


@dataclass(frozen=True)
class _Top:
    """What the first line says."""

    places: dict[str, int]
    """Place in a row of each column that is known."""
    width: int
    """Cells a row must have."""
    body: Sequence[TableRow]
    problems: tuple[Problem, ...]


def _top(rows: Sequence[TableRow], layout: Layout) -> _Top:
    line, header = rows[0]
    whole = shown(",".join(header))
    by_order = {name: place for place, name in enumerate(layout.names)}
    named = header[0].casefold() in ("image", "image_id")
    if not layout.header:
        wrong = Problem(line, "", f"a header ({whole})", f"none: {','.join(layout.names)} from the first line on")
        return _Top(by_order, len(by_order), rows[1:] if named else rows, (wrong,) if named else ())
    if header[0].startswith("#"):
        expected = f"{_first_line(layout)}of a run, score the file whose name ends in -submission.csv"
        return _Top({}, 0, rows[1:], (Problem(line, "", f"a comment ({whole})", expected),))
    if not set(layout.names) & set(header):
        # Only the order is left to go by, which at least shows what is wrong with the cells.
        found = f"the header {whole}" if named else f"no header but {whole}"
        wrong = Problem(line, "", found, f"the header {','.join(layout.names)}")
        known = by_order if len(header) == len(by_order) else {}
        return _Top(known, len(header), rows[1:] if named else rows, (wrong,))
    known = [name for name in (*layout.names, *layout.optional) if name in header]
    return _Top({name: header.index(name) for name in known}, len(header), rows[1:], _header_problems(rows[0], layout))


def _header_problems(row: TableRow, layout: Layout) -> tuple[Problem, ...]:
    line, header = row
    expected = f"the header {','.join(layout.names)}"
    known = (*layout.names, *layout.optional)
    missing = [Problem(line, name, "no such column", expected) for name in layout.names if name not in header]
    extra = [
        Problem(line, name or "without a name", "a column too many", expected) for name in header if name not in known
    ]
    twice = [Problem(line, name, "that column twice", expected) for name in known if header.count(name) > 1]
    return (*missing, *extra, *twice)


class _Body:
    """The rows of images as they are read: ids with their lines, cells by column, problems."""

    def __init__(self, layout: Layout, top: _Top) -> None:
        self.layout, self.top = layout, top
        kinds = {**layout.columns, **layout.optional}
        self.kinds = {name: kind for name, kind in kinds.items() if name in top.places}
        self.lines: dict[str, int] = {}
        self.cells: dict[str, list[float]] = {name: [] for name in self.kinds}
        self.problems: list[Problem] = []

    def read(self) -> None:
        """Read all rows; without a column of ids there is nothing to read them by."""
        for row in self.top.body if self.layout.key in self.top.places else ():
            place = self.top.places[self.layout.key]
            image_id = row.cells[place] if place < len(row.cells) else ""
            if not image_id:
                self._say(row, self.layout.key, "nothing", "an image id")
            elif image_id in self.lines:
                first = self.lines[image_id]
                self._say(row, self.layout.key, shown(image_id), f"each image once (it stands in line {first} already)")
            else:
                self.lines[image_id] = row.line
                self._read_cells(row)

    def _read_cells(self, row: TableRow) -> None:
        if len(row.cells) != self.top.width:
            self._say(row, "", f"{len(row.cells)} cells", f"{self.top.width}, for {','.join(self.layout.names)}")
        whole = len(row.cells) == self.top.width
        numbers = [kind.read(row.cells[self.top.places[name]]) if whole else None for name, kind in self.kinds.items()]
        for (name, kind), number in zip(self.kinds.items(), numbers, strict=True):
            self.cells[name].append(np.nan if number is None else number)
            if whole and number is None:
                self._say(row, name, shown(row.cells[self.top.places[name]]), kind.expected)
        told = [number for name, number in zip(self.kinds, numbers, strict=True) if name in self.layout.columns]
        known = [number for number in told if number is not None]
        if self.layout.ones is not None and len(known) == len(self.layout.columns):
            self._check_ones(row, int(sum(known)), *self.layout.ones)

    def _check_ones(self, row: TableRow, ones: int, least: int, most: int) -> None:
        if not least <= ones <= most:
            expected = f"exactly {most}" if least == most else f"at most {most}"
            self._say(row, "", f"{ones} columns that are 1", expected)

    def _say(self, row: TableRow, column: str, found: str, expected: str) -> None:
        self.problems.append(Problem(row.line, column, found, expected))


def _first_line(layout: Layout) -> str:
    return f"the header {','.join(layout.names)}, then " if layout.header else ""


def _sentences(file: str, problems: Sequence[Problem]) -> list[str]:
    told = [problem.sentence(file) for problem in problems[:TOLD]]
    return told + ([f"{file}: and {len(problems) - TOLD} more"] if len(problems) > TOLD else [])
