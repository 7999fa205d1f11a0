"""One row of labels.csv -> a lesion, or what is wrong with the row. No torch."""

import dataclasses
from collections import Counter
from collections.abc import Sequence

from attnmel.data.datasets.own.columns import TABLE, FolderColumns
from attnmel.data.datasets.own.files import FolderFiles, FoundFile
from attnmel.data.tables.problems import Problem, shown_cell
from attnmel.data.tables.text import Row, TableText
from attnmel.data.tables.words import (
    OLDEST,
    age_in_words,
    class_of,
    folded,
    is_exact_age,
    is_unknown,
    sex_in_words,
    split_of,
    word,
)
from attnmel.errors import counted, listed
from attnmel.records import ATTRIBUTES, REST, SPLITS, Lesion

TRUE = ("1", "1.0", "1.", "true", "yes", "x")
FALSE = ("0", "0.0", "0.", "false", "no", "")

SPACES = "spaces around"
"""Start of the note on names of files with spaces around them."""


@dataclasses.dataclass(frozen=True)
class FolderRow:
    """What came of one row."""

    line: int
    lesion: Lesion | None
    """Its image id is left empty; None where the row cannot be used."""
    problems: tuple[Problem, ...] = ()
    missing: Problem | None = None
    """That its image is not there."""


class RowReader:
    """Reads the rows of one table, and counts what it read otherwise than it is written."""

    def __init__(
        self, text: TableText, columns: FolderColumns, files: FolderFiles, classes: Sequence[str] | None
    ) -> None:
        self._text = text
        self._columns = columns
        self._files = files
        self._classes = classes
        self._spellings: dict[str, str] = {}
        self._meant: Counter[tuple[str, str]] = Counter()
        self._rounded: list[str] = []

    def read(self, row: Row) -> FolderRow:
        """Return the lesion of a row."""
        width = self._columns.width
        if len(row.cells) < width or any(row.cells[width:]):
            problem = Problem(row.line, "", counted(len(row.cells), "cell"), f"{width}, as in the header")
            return FolderRow(row.line, None, (problem,))
        image, name = self._file(row, "image"), self._cell(row, "image")
        expected = "the name of one file in the folder"
        missing = self._problem(row, "image", image.problem, expected) if image.is_missing else None
        wrong_image = image.problem and not image.is_missing
        mask = self._file(row, "mask")
        diagnosis, wrong_label = self._diagnosis(row)
        split, age = split_of(self._known(row, "split")), age_in_words(self._text.number(self._cell(row, "age")))
        problems = [
            *([self._problem(row, "image", "nothing", "the name of an image")] if not name else []),
            *([self._problem(row, "image", image.problem, expected)] if wrong_image else []),
            *([self._problem(row, "mask", mask.problem, "a file in the folder, or nothing")] if mask.problem else []),
            *wrong_label,
            *self._unless(split or not self._known(row, "split"), row, "split", f"{', '.join(SPLITS)}, or nothing"),
            *self._unless(age is not None, row, "age", f"years from 0 to {OLDEST}, or nothing"),
        ]
        if problems or image.path is None:
            return FolderRow(row.line, None, tuple(problems), missing)
        known = {one: word(self._cell(row, one)) for one in ATTRIBUTES}
        known |= {"age": age or "", "sex": sex_in_words(self._known(row, "sex"))}
        self._rounded += [known["age"]] if age and not is_exact_age(self._cell(row, "age")) else []
        lesion = Lesion(
            image_id="",
            image=image.path,
            diagnosis=diagnosis,
            split=split,
            mask=mask.path,
            group=self._known(row, "group") or None,
            attributes={one: value for one, value in known.items() if value},
        )
        return FolderRow(row.line, lesion)

    def notes(self) -> list[str]:
        """Return what was read otherwise than it is written, a sentence each."""
        notes = []
        if self._meant:
            words = (
                f"'{label}' as {name} ({counted(count, 'row')})" for (label, name), count in self._meant.most_common()
            )
            notes.append(f"{TABLE}: labels are read as classes: {listed(words, 10)}")
        if self._rounded:
            count = counted(len(self._rounded), "row")
            notes.append(f"{TABLE}: ages that are ranges are read as their middle, and 85+ as 85 ({count})")
        notes += self._text.space_notes(TABLE)
        if padded := self._files.padded:
            count = counted(len(padded), "name")
            notes.append(f"{SPACES} {count} of files are left out ({listed(map(shown_cell, padded))})")
        if below := self._files.below:
            notes.append(
                f"{counted(len(below), 'name')} of {TABLE} found in a subfolder, where one file fits ({listed(below)})"
            )
        return notes

    def _cell(self, row: Row, name: str) -> str:
        place = self._columns.places.get(name)
        return "" if place is None else row.cells[place]

    def _known(self, row: Row, name: str) -> str:
        """Return a cell, or nothing where it means that nothing is known."""
        cell = self._cell(row, name)
        return "" if is_unknown(cell) else cell

    def _file(self, row: Row, name: str) -> FoundFile:
        cell = self._cell(row, name)
        # An image may be called "none"; a mask of that name is a mask that is not there.
        found = self._files.find(cell, mask=name == "mask") if cell else FoundFile(None)
        return FoundFile(None) if found.is_missing and name == "mask" and is_unknown(cell) else found

    def _problem(self, row: Row, name: str, found: str, expected: str) -> Problem:
        return Problem(row.line, self._columns.names.get(name, name), found, expected, self._cell(row, "image"))

    def _unless(self, right: object, row: Row, name: str, expected: str) -> list[Problem]:
        return [] if right else [self._problem(row, name, shown_cell(self._cell(row, name)), expected)]

    def _diagnosis(self, row: Row) -> tuple[str | None, list[Problem]]:
        """Return the class of a row, or why it has none."""
        label = self._cell(row, "label")
        if self._columns.one_hot:
            ones = self._ones(row)
            if isinstance(ones, Problem):
                return None, [ones]
            label = ones or REST
        if self._classes is None:
            if is_unknown(label):
                return None, [
                    self._problem(row, "label", shown_cell(label), "a label; take the image out where it is not known")
                ]
            return self._spellings.setdefault(folded(label), label), []
        found = class_of(label, self._classes)
        if found is not None:
            if folded(found) != folded(label):
                self._meant[label, found] += 1
            return found, []
        others = f" ('{REST}' for every other diagnosis)" if REST in self._classes else ""
        expected = (
            f"one of {', '.join(self._classes)}{others}, or 0 to {len(self._classes) - 1}; a further diagnosis is "
            "added to the setting data.classes (docs/training/data.md)"
        )
        return None, [self._problem(row, "label", shown_cell(label), expected)]

    def _ones(self, row: Row) -> str | Problem:
        """Return the class whose column is 1, "" where none is; of several, or another value, the problem."""
        ones = []
        for name, place in self._columns.one_hot.items():
            cell = self._text.number(row.cells[place]).casefold()
            if cell not in (*TRUE, *FALSE):
                return self._problem(row, name, shown_cell(row.cells[place]), "0 or 1")
            ones += [name] if cell in TRUE else []
        if len(ones) > 1:
            return self._problem(row, "label", f"1 in {' and '.join(ones)}", "1 in one of these columns")
        if not ones and self._classes is not None and REST not in self._classes:
            return self._problem(row, "label", f"1 in none of {', '.join(self._columns.one_hot)}", "1 in one of them")
        return ones[0] if ones else ""
