"""The .imrmc format of FDA's iMRMC: free text, the line "BEGIN DATA:", then reader, case, modality and score.

The truth of a case is a row whose reader is "truth" or "-1": 0 healthy, 1 diseased.
"""

import dataclasses
import math
import re
from collections.abc import Sequence
from pathlib import Path

from attnmel.data.tables.problems import Problem, shown_cell
from attnmel.errors import ReadingsError
from attnmel.evaluation.readers.readings import Readings
from attnmel.files.folders import replacing
from attnmel.pipeline.study.analysis.study_data import ReadingRow, StudyData, study_data

BEGIN = "BEGIN DATA"
FIRST_LINE = "Readings of a study, by attnmel"
"""Of the files that are written here."""
TRUTH = ("truth", "-1")
TRUTHS = {0.0: False, 1.0: True}
COUNTS = re.compile(r"\s*(N0|N1|NR|NM)\s*:\s*(\d+)\s*$", re.IGNORECASE)


def begins_data(line: str) -> bool:
    """Return whether the readings follow after this line."""
    return line.strip().upper().startswith(BEGIN)


def is_bare(lines: Sequence[str]) -> bool:
    """Return whether the lines are the readings alone: four cells each, the truth among them."""
    rows = [line.split(",") for line in lines if line.strip()]
    return all(len(row) == 4 for row in rows) and any(row[0].strip() in TRUTH for row in rows[:1])


def parse_imrmc(file: Path, lines: Sequence[str]) -> StudyData:
    """Return the readings in the lines of a file: those after "BEGIN DATA:", or all of them.

    Raises:
        ReadingsError: lists each row that is not as the format has it.
    """
    start = next((number for number, line in enumerate(lines, 1) if begins_data(line)), 0)
    rows: list[ReadingRow] = []
    truth: dict[str, bool] = {}
    problems: list[Problem] = []
    for number, line in enumerate(lines[start:], start + 1):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split(",")]
        if problem := _problem(number, cells, truth):
            problems.append(problem)
        elif cells[0] in TRUTH:
            truth[cells[1]] = TRUTHS[float(cells[3])]
        else:
            rows.append(ReadingRow(number, cells[0], cells[1], cells[2], float(cells[3])))
    data = study_data(file, rows, truth, problems)
    notes = [*data.notes, *_miscounted(lines[:start], data.readings)]
    return dataclasses.replace(data, notes=tuple(notes))


def _problem(line: int, cells: Sequence[str], truth: dict[str, bool]) -> Problem | None:
    """Return what is wrong with one row, if anything."""
    if len(cells) != 4 or not all(cells[:3]):
        return Problem(line, "", shown_cell(",".join(cells)), "four cells: reader, case, modality, score")
    score = number(cells[3])
    if cells[0] in TRUTH:
        if score not in TRUTHS:
            return Problem(line, "", f"truth {shown_cell(cells[3])}", "0 for a healthy and 1 for a diseased case")
        if cells[1] in truth:
            return Problem(line, "", f"a second truth of case {shown_cell(cells[1])}", "one", kind="doubled")
    if math.isnan(score):
        return Problem(line, "", f"score {shown_cell(cells[3])}", "a number")
    return None


def number(cell: str) -> float:
    """Return the finite number in a cell; NaN where there is none."""
    try:
        value = float(cell)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _miscounted(head: Sequence[str], readings: Readings) -> list[str]:
    diseased = int(readings.diseased.sum())
    readers, modalities = len(readings.readers), len(readings.modalities)
    counts = {"N0": len(readings.cases) - diseased, "N1": diseased, "NR": readers, "NM": modalities}
    stated = {match[1].upper(): int(match[2]) for line in head if (match := COUNTS.match(line))}
    return [
        f"the head of the file says {name}: {value}, the readings have {counts[name]}"
        for name, value in stated.items()
        if value != counts[name]
    ]


def write_imrmc(path: Path, readings: Readings) -> None:
    """Write the first readings of a study in this format; scores in full.

    Raises:
        ReadingsError: a name that the format has no way to write.
    """
    for name in (*readings.readers, *readings.cases, *readings.modalities):
        if "," in name or name != name.strip() or not name.isprintable() or not name:
            raise ReadingsError(
                f"the .imrmc format cannot hold the name {name!r}; use one without commas and line ends"
            )
    if taken := set(readings.readers) & set(TRUTH):
        raise ReadingsError(f"the .imrmc format keeps the name '{taken.pop()}' for the truth; rename the reader")
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        diseased = int(readings.diseased.sum())
        file.write(f"{FIRST_LINE}\nN0:{len(readings.cases) - diseased}\nN1:{diseased}\n")
        file.write(f"NR:{len(readings.readers)}\nNM:{len(readings.modalities)}\n{BEGIN}:\n")
        for case, sick in zip(readings.cases, readings.diseased.tolist(), strict=True):
            file.write(f"truth,{case},truth,{int(sick)}\n")
        for place, modality in enumerate(readings.modalities):
            for own, reader in enumerate(readings.readers):
                for case, score in zip(readings.cases, readings.scores[place, own].tolist(), strict=True):
                    if not math.isnan(score):
                        file.write(f"{reader},{case},{modality},{score!r}\n")
