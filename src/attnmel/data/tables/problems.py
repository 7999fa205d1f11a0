"""What is wrong with the files of somebody else, as sentences and as one error. No torch."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from attnmel.errors import AttnmelError, PredictionsError, listed

LISTED = 20
"""Sentences about a file that a message lists; the other problems are counted."""

LONGEST = 40
"""Characters of a cell that a message shows."""

_CELL = re.compile(r"'[^']*'|the image \S+")
"""What a problem found in its row alone: problems that differ in nothing else are one sentence."""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong with a file."""

    line: int
    """Counted from 1; 0 for the file as a whole."""
    column: str
    """Empty where the problem is not in a single column."""
    found: str
    expected: str
    image_id: str = ""
    """Of the row, where it has one."""
    kind: Literal["file", "row", "doubled"] = "row"
    """Whether it concerns the whole file or its header, the cells of a row, or an id that an earlier row has."""

    def sentence(self, file: str = "") -> str:
        """Return the problem as a sentence, which starts with its place."""
        return one_sentence([self], file)


def likeness(problem: Problem) -> tuple[str, str, str]:
    """Return what problems have in common that differ in their line and the cell found alone."""
    found = _CELL.sub("", problem.found, count=1) if problem.line else problem.found
    return problem.column, found, problem.expected


def one_sentence(problems: Sequence[Problem], file: str = "") -> str:
    """Return a group of problems as one sentence: its first lines, and the first different cells found."""
    lines = [str(problem.line) for problem in problems if problem.line]
    line = f"line{'s' if len(lines) > 1 else ''} {listed(lines)}" if lines else ""
    first = problems[0]
    column = f"column {first.column}" if first.column else ""
    place = ", ".join(filter(None, (file, line, column)))
    cells = dict.fromkeys(match[0] for problem in problems if (match := _CELL.search(problem.found)))
    found = first.found if len(cells) < 2 else _CELL.sub(lambda _: listed(cells), first.found, count=1)
    return f"{place}{': ' if place else ''}found {found}, expected {first.expected}"


def refuse(
    problems: Mapping[str, Sequence[Problem]], error: type[AttnmelError] = PredictionsError, advice: str = ""
) -> None:
    """Raise an error if files, by name, have problems; a sentence for each group, the first `LISTED` of each file.

    Raises:
        error: a line per group of problems, with `advice` at the end.
    """
    count = sum(map(len, problems.values()))
    sentences = [sentence for file, ones in problems.items() for sentence in _sentences(file, ones)]
    end = f". {advice}" if advice else ""
    if count == 1:
        raise error(sentences[0] + end)
    if count:
        raise error(f"{count} problems; correct them all:" + "".join(f"\n  {one}" for one in sentences) + end)


def shown_cell(cell: str) -> str:
    """Return a cell as a message shows it: quoted, short, on one line."""
    if not cell:
        return "nothing"
    short = cell if len(cell) <= LONGEST else f"{cell[:LONGEST]}..."
    return f"'{short}'" if short.isprintable() else repr(short)


def _sentences(file: str, problems: Sequence[Problem]) -> list[str]:
    by_likeness: dict[tuple[str, str, str], list[Problem]] = {}
    for problem in problems:
        by_likeness.setdefault(likeness(problem), []).append(problem)
    groups = list(by_likeness.values())
    sentences = [one_sentence(group, file) for group in groups[:LISTED]]
    more = sum(map(len, groups[LISTED:]))
    return sentences + ([f"{file}: and {more} more"] if more else [])
