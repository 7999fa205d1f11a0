"""A long table of readings, a row for each reader, case and modality, with the truth in it or in a truth.csv."""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from attnmel.data.tables.problems import Problem, refuse, shown
from attnmel.data.tables.text import Row, TableText, read_text
from attnmel.data.tables.words import folded
from attnmel.errors import ReadingsError, listed
from attnmel.files.table_files import unguarded, write_table
from attnmel.pipeline.study.analysis.imrmc import number
from attnmel.pipeline.study.analysis.study_data import Reading, StudyData, study_data

NAMES = {
    "reader": ("reader", "reader_id", "readerid"),
    "case": ("case", "case_id", "caseid", "image", "image_id"),
    "modality": ("modality", "modality_id", "modalityid", "arm", "treatment", "test"),
    "score": ("score", "suspicion", "rating"),
    "truth": ("truth", "diseased", "malignant"),
    "repeat": ("repeat",),
    "experience": ("experience",),
    "seconds": ("seconds", "seconds_active"),
}
"""What each column is called, in any case; `suspicion` is from 0 to 100."""

NEEDED = ("reader", "case", "modality", "score")
YES = ("1", "1.0", "true", "yes", "diseased", "malignant", "positive", "melanoma")
NO = ("0", "0.0", "false", "no", "healthy", "benign", "negative", "rest")
TRUTHS = {**dict.fromkeys(YES, True), **dict.fromkeys(NO, False)}
TRUTH_FILE = "truth.csv"
HALF_SUSPICION = 50.0
"""An answer above it is positive where the score is a suspicion from 0 to 100."""

COLUMNS = ("reader", "case", "modality", "score", "truth", "repeat", "experience", "seconds")
"""Of the table that is written."""


def read_readings_table(file: Path) -> StudyData:
    """Return the readings of a table in CSV, separated by commas, semicolons or tabs.

    Raises:
        ReadingsError: says what is wrong with the file, or lists what is wrong with its rows.
    """
    text = _text(file)
    columns = _columns(file, text.rows[0])
    if missing := [name for name in NEEDED if name not in columns]:
        raise ReadingsError(
            f"{file.name} has the columns {listed(text.rows[0].cells)}, but no '{missing[0]}'; expected reader, case, "
            "modality, score and truth, or a file of iMRMC with the line 'BEGIN DATA:'"
        )
    problems: list[Problem] = []
    truth = _truth(file, text, columns, problems)
    experience = _experience(text, columns, problems)
    rows = list(_readings(text, columns, problems))
    data = study_data(file, rows, truth, problems)
    suspicion = folded(text.rows[0].cells[columns["score"]]) == "suspicion"
    return dataclasses.replace(
        data,
        experience=experience,
        threshold=HALF_SUSPICION if suspicion else None,
    )


def _text(file: Path) -> TableText:
    try:
        return read_text(file)
    except ValueError as error:
        raise ReadingsError(f"{file} is {error}; expected a table of readings in CSV or a file of iMRMC") from None


def _columns(file: Path, header: Row) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, cell in enumerate(header.cells):
        for name, known in NAMES.items():
            if folded(cell) in known:
                if name in found:
                    both = f"'{header.cells[found[name]]}' and '{cell}'"
                    raise ReadingsError(f"{file.name} has two columns of the {name}, {both}; remove one")
                found[name] = place
    return found


def _cells(text: TableText, columns: dict[str, int], problems: list[Problem]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row by column; one that is too short is a problem."""
    for row in text.rows[1:]:
        if len(row.cells) <= max(columns.values()):
            problems.append(Problem(row.line, "", f"{len(row.cells)} cells", f"{len(text.rows[0].cells)}"))
            continue
        yield row.line, {name: unguarded(row.cells[place]) for name, place in columns.items()}


def _readings(text: TableText, columns: dict[str, int], problems: list[Problem]) -> Iterator[Reading]:
    for line, cells in _cells(text, columns, problems):
        if not cells["score"]:
            continue  # a case that was not answered
        score, seconds = number(text.number(cells["score"])), number(text.number(cells.get("seconds", "")))
        repeat = cells.get("repeat", "") or "0"
        empty = next((name for name in ("reader", "case", "modality") if not cells[name]), None)
        if empty:
            problems.append(Problem(line, empty, "nothing", "a name"))
        elif math.isnan(score):
            problems.append(Problem(line, "score", shown(cells["score"]), "a number, or nothing where it was not read"))
        elif repeat not in ("0", "1"):
            problems.append(Problem(line, "repeat", shown(repeat), "0 for the first and 1 for the second reading"))
        else:
            yield Reading(line, cells["reader"], cells["case"], cells["modality"], score, int(repeat), seconds)


def _truth(file: Path, text: TableText, columns: dict[str, int], problems: list[Problem]) -> dict[str, bool]:
    """Return the truth of each case, which the table holds in each row, or a table next to it."""
    other = file.with_name(TRUTH_FILE)
    if "truth" not in columns:
        if not other.is_file():
            raise ReadingsError(f"{file.name} has no column 'truth', and there is no {other}; expected one of them")
        text = _text(other)
        columns = _columns(other, text.rows[0])
        if not {"case", "truth"} <= set(columns):
            raise ReadingsError(f"{other} has the columns {', '.join(text.rows[0].cells)}; expected case and truth")
        own: list[Problem] = []
        found = _truths(text, columns, own)
        refuse({other.name: own}, ReadingsError)
        return found
    return _truths(text, columns, problems)


def _truths(text: TableText, columns: dict[str, int], problems: list[Problem]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for line, cells in _cells(text, {name: columns[name] for name in ("case", "truth")}, []):
        known = TRUTHS.get(cells["truth"].casefold())
        if known is None:
            problems.append(Problem(line, "truth", shown(cells["truth"]), "0 for healthy or 1 for diseased"))
        elif found.setdefault(cells["case"], known) != known:
            problems.append(
                Problem(line, "truth", f"another truth of case {shown(cells['case'])}", "that of rows before")
            )
    return found


def _experience(text: TableText, columns: dict[str, int], problems: list[Problem]) -> dict[str, str]:
    """Return the level of each reader; two levels of one reader are a problem."""
    found: dict[str, str] = {}
    for line, cells in _cells(text, columns, []) if "experience" in columns else ():
        level, reader = cells["experience"], cells["reader"]
        if level and found.setdefault(reader, level) != level:
            problems.append(Problem(line, "experience", shown(level), f"{shown(found[reader])} as before of {reader}"))
    return found


def write_readings_table(path: Path, data: StudyData) -> None:
    """Write all readings of a study as such a table."""
    write_table(path, COLUMNS, _written(data))


def _written(data: StudyData) -> Iterator[Sequence[object]]:
    readings = data.readings
    arrays = (readings.scores,) if data.second is None else (readings.scores, data.second)
    for repeat, scores in enumerate(arrays):
        for place, modality in enumerate(readings.modalities):
            for own, reader in enumerate(readings.readers):
                for case, name in enumerate(readings.cases):
                    score = float(scores[place, own, case])
                    if math.isnan(score):
                        continue
                    seconds = None if data.seconds is None or repeat else float(data.seconds[place, own, case])
                    truth, experience = int(readings.diseased[case]), data.experience.get(reader, "")
                    yield reader, name, modality, score, truth, repeat, experience, seconds
