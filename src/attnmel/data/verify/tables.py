"""Official tables of labels, read row by row whatever is wrong with them. No torch."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from attnmel.data.archives.catalog import Archive
from attnmel.data.datasets.label_tables import (
    COLUMNS_2016,
    COLUMNS_2017,
    COLUMNS_2018,
    DIAGNOSES_2018,
    MELANOMA,
    SEBORRHEIC_KERATOSIS,
    TRUTH,
    WORDS_2016,
)
from attnmel.data.verify.findings import Finding

Cells = Mapping[str, str]


@dataclass(frozen=True)
class _Form:
    """What a year's table of labels looks like."""

    columns: tuple[str, ...]
    has_header: bool
    objection: Callable[[Cells], str]
    """What is wrong with the labels of a row; empty of a good one."""


def _word_2016(cells: Cells) -> str:
    value = cells[COLUMNS_2016[1]]
    return "" if value in WORDS_2016 else f"'{value}'; expected benign or malignant, 0 or 1"


def _ones(columns: Sequence[str], allowed: tuple[int, ...], expected: str) -> Callable[[Cells], str]:
    def objection(cells: Cells) -> str:
        values = [TRUTH.get(cells[column]) for column in columns]
        sound = None not in values and values.count(True) in allowed
        return "" if sound else f"{','.join(cells[column] for column in columns)}; expected {expected}"

    return objection


FORMS = {
    2016: _Form(COLUMNS_2016, False, _word_2016),
    2017: _Form(COLUMNS_2017, True, _ones((MELANOMA, SEBORRHEIC_KERATOSIS), (0, 1), "0 or 1, and not 1 twice")),
    2018: _Form(COLUMNS_2018, True, _ones(DIAGNOSES_2018, (1,), "exactly one 1 and otherwise 0")),
}
"""By the year of the archive."""


def labelled_ids(table: Path, archive: Archive) -> tuple[list[str], list[Finding]]:
    """Return the image id of every row of a table of labels, doubled ones too, and what is wrong with its rows."""
    form, name = FORMS[archive.year], table.name
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if cells]
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        return [], [Finding("table unusable", "", name, f"it is no table of comma-separated text ({error})")]
    findings: list[Finding] = []
    if form.has_header:
        header = lines.pop(0)[1] if lines else []
        if header != list(form.columns):
            told = f"its columns are {','.join(header)}; expected {','.join(form.columns)}"
            return [], [Finding("table unusable", "", name, told)]
    ids = []
    for line, cells in lines:
        if len(cells) != len(form.columns) or not cells[0]:
            told = f"line {line}: '{','.join(cells)}'; expected {','.join(form.columns)}"
            findings.append(Finding("label value", cells[0], name, told))
            continue
        ids.append(cells[0])
        if objection := form.objection(dict(zip(form.columns, cells, strict=True))):
            findings.append(Finding("label value", cells[0], name, f"line {line}: {objection}"))
    return ids, findings
