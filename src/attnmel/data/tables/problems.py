"""What is wrong with the files of somebody else, as sentences and as one error. No torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from attnmel.errors import AttnmelError, PredictionsError

LISTED = 20
"""Problems of a file that a message lists; the others are counted."""

LONGEST = 40
"""Characters of a cell that a message shows."""


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
        line = f"line {self.line}" if self.line else ""
        column = f"column {self.column}" if self.column else ""
        place = ", ".join(filter(None, (file, line, column)))
        return f"{place}{': ' if place else ''}found {self.found}, expected {self.expected}"


def refuse(
    problems: Mapping[str, Sequence[Problem]], error: type[AttnmelError] = PredictionsError, advice: str = ""
) -> None:
    """Raise an error if files, by name, have problems; it lists the first `LISTED` of each file.

    Raises:
        error: a line per problem, with `advice` at the end.
    """
    count = sum(map(len, problems.values()))
    sentences = [sentence for file, ones in problems.items() for sentence in _sentences(file, ones)]
    end = f". {advice}" if advice else ""
    if count == 1:
        raise error(sentences[0] + end)
    if count:
        raise error(f"{count} problems; correct them all:" + "".join(f"\n  {one}" for one in sentences) + end)


def shown(cell: str) -> str:
    """Return a cell as a message shows it: quoted, short, on one line."""
    if not cell:
        return "nothing"
    short = cell if len(cell) <= LONGEST else f"{cell[:LONGEST]}..."
    return f"'{short}'" if short.isprintable() else repr(short)


def _sentences(file: str, problems: Sequence[Problem]) -> list[str]:
    listed = [problem.sentence(file) for problem in problems[:LISTED]]
    return listed + ([f"{file}: and {len(problems) - LISTED} more"] if len(problems) > LISTED else [])
