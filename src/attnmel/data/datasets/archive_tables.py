"""Official tables as rows with their line numbers, refused unless they are the archive's. No torch."""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from attnmel.errors import LabelError, listed

AGAIN = "Correct the table, or delete it and run `attnmel fetch` again."
MOST_TOLD = 5
"""Problems told one by one; the others are counted."""


@dataclass(frozen=True)
class ArchiveRow:
    """One row of a table."""

    line: int
    cells: dict[str, str]
    """By column, without the spaces around them."""

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


def read_table(
    table: Path, columns: Sequence[str], *, optional: Sequence[str] = (), header: bool = True
) -> tuple[ArchiveRow, ...]:
    """Return the rows of a table that has exactly these columns in this order, the optional ones at its end or not.

    Raises:
        LabelError: no table of text, another header, a row of another length, or one without its first cell.
    """
    lines = _lines(table)
    known = [*columns]
    if header:
        found = lines.pop(0)[1] if lines else []
        if found not in [[*columns, *optional[:count]] for count in range(len(optional) + 1)]:
            raise LabelError(
                f"{table} is not the archive's: expected the columns {','.join(columns)}, found {','.join(found)}. "
                f"{AGAIN}"
            )
        known = found
    for line, cells in lines:
        if len(cells) != len(known) or not cells[0]:
            raise LabelError(f"{table}, line {line}: expected {','.join(known)}, found '{','.join(cells)}'. {AGAIN}")
    return tuple(ArchiveRow(line, dict(zip(known, cells, strict=True))) for line, cells in lines)


def refuse_values(table: Path, expected: str, odd: Sequence[str]) -> None:
    """Refuse a table because of the rows that `odd` describes; none of them is no problem.

    Raises:
        LabelError: tells what was expected, the first rows word by word, and how many there are.
    """
    if odd:
        told = "; ".join(odd[:MOST_TOLD])
        raise LabelError(f"{table}: expected {expected}: {told} ({len(odd)} in all). {AGAIN}")


def require_single(names: Iterable[str], what: str) -> None:
    """Refuse names that occur twice.

    Raises:
        LabelError: `what` and the names.
    """
    if doubled := sorted(name for name, times in Counter(names).items() if times > 1):
        raise LabelError(f"{what}: {listed(doubled)}; expected each once. Take the others out.")


def _lines(table: Path) -> list[tuple[int, list[str]]]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            return [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if cells]
    except (UnicodeDecodeError, csv.Error) as error:
        raise LabelError(f"{table} is not a table of comma-separated text ({error}); fetch it again") from None
