"""A long table of readings, a row for each reader, case and modality, with the truth in it or in a truth.csv."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attnmel.data.tables.problems import Problem, refuse, shown_cell
from attnmel.data.tables.text import Row, TableText, read_text
from attnmel.data.tables.words import folded
from attnmel.errors import ReadingsError, listed
from attnmel.evaluation.readers.decisions import DecisionThreshold
from attnmel.files.table_files import unguarded, write_table
from attnmel.pipeline.study.analysis.imrmc import TRUTH, number
from attnmel.pipeline.study.analysis.study_data import ReadingRow, StudyData, study_data

NAMES: dict[str, tuple[str, ...]] = {
    "reader": ("reader", "reader_id", "readerid", "leser", "befunder"),
    "case": ("case", "case_id", "caseid", "image", "image_id", "fall", "bild"),
    "modality": ("modality", "modality_id", "modalityid", "arm", "treatment", "test", "modalität", "verfahren"),
    "score": ("score", "suspicion", "rating", "bewertung", "verdacht"),
    "truth": ("truth", "diseased", "malignant", "wahrheit", "krank", "bösartig"),
    "repeat": ("repeat", "wiederholung"),
    "experience": ("experience", "erfahrung"),
    "seconds": ("seconds", "seconds_active", "sekunden"),
    "threshold": ("threshold", "schwelle", "schwellenwert"),
    "threshold_source": ("threshold_source",),
}
"""What each column is called, in any case."""

SUSPICIONS = ("suspicion", "verdacht")
"""Columns of scores from 0 to 100."""

NEEDED = ("reader", "case", "modality", "score")
YES = (
    *("1", "1.0", "1,0", "true", "yes", "diseased", "malignant", "positive", "melanoma"),
    *("wahr", "ja", "krank", "bösartig", "positiv", "melanom"),
)
NO = (
    *("0", "0.0", "0,0", "false", "no", "healthy", "benign", "negative", "rest", "nevus"),
    *("falsch", "nein", "gesund", "gutartig", "negativ", "nävus", "naevus"),
)
TRUTHS = {**dict.fromkeys(YES, True), **dict.fromkeys(NO, False)}
TRUTH_FILE = "truth.csv"
HALF_SUSPICION = 50.0
"""An answer above it is positive where the score is a suspicion from 0 to 100."""

WIDE = "readings"
"""Modality of a table with a column for each reader, where none is named."""

COLUMNS = (
    "reader", "case", "modality", "score", "truth", "repeat", "experience", "seconds", "threshold", "threshold_source"
)  # fmt: skip
"""Of the table that is written."""

IN_TABLE = "that of the readings' table"
"""Where a threshold comes from, if its table does not say it."""


def read_readings_table(file: Path) -> StudyData:
    """Return the readings of a table in CSV, separated by commas, semicolons or tabs.

    Raises:
        ReadingsError: says what is wrong with the file, or lists what is wrong with its rows.
    """
    text, notes = _long(file, _text(file))
    columns = _columns(file, text.rows[0])
    if missing := [name for name in NEEDED if name not in columns]:
        raise ReadingsError(
            f"{file.name} has the columns {listed(text.rows[0].cells)}, but no '{missing[0]}'; expected reader, case, "
            "modality, score and truth, or a file of iMRMC with the line 'BEGIN DATA:'"
        )
    problems: list[Problem] = []
    truth, text = _truth(file, text, columns, problems)
    experience, thresholds = _experience(text, columns, problems), _thresholds(text, columns, problems)
    data = study_data(file, list(_readings(text, columns, problems)), truth, problems)
    suspicion = folded(text.rows[0].cells[columns["score"]]) in SUSPICIONS
    return dataclasses.replace(
        data,
        experience=experience,
        threshold=HALF_SUSPICION if suspicion else None,
        thresholds=thresholds,
        notes=(*notes, *text.space_notes(file.name), *data.notes),
    )


def _long(file: Path, text: TableText) -> tuple[TableText, tuple[str, ...]]:
    """Return a table with a row for each reading, made of one with a column for each modality or reader, and a note."""
    head = text.rows[0].cells
    known = _columns(file, text.rows[0])
    if "score" in known or "case" not in known or {"reader", "modality"} <= set(known):
        return text, ()
    kind = "modality" if "reader" in known else "reader"
    rows = [row for row in text.rows[1:] if len(row.cells) == len(head)]
    wide = [
        place
        for place, name in enumerate(head)
        if name and place not in known.values() and _all_numbers(text, [row.cells[place] for row in rows])
    ]
    if len(rows) < len(text.rows) - 1 or not wide:
        return text, ()
    kept = list(known)
    added = [] if kind == "modality" or "modality" in known else [WIDE]
    header = [*kept, kind, *(["modality"] if added else []), "score"]
    long = [
        Row(row.line, [*(row.cells[known[name]] for name in kept), head[place], *added, row.cells[place]])
        for row in rows
        for place in wide
    ]
    names = listed([head[place] for place in wide])
    note = f"the columns {names} were read as {'modalities' if kind == 'modality' else 'readers'}"
    return dataclasses.replace(text, rows=(Row(text.rows[0].line, header), *long)), (note,)


def _all_numbers(text: TableText, cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and not any(math.isnan(number(text.number(cell))) for cell in filled)


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


def _readings(text: TableText, columns: dict[str, int], problems: list[Problem]) -> Iterator[ReadingRow]:
    for line, cells in _cells(text, columns, problems):
        if not cells["score"]:
            continue  # a case that was not answered
        score, seconds = number(text.number(cells["score"])), number(text.number(cells.get("seconds", "")))
        repeat = cells.get("repeat", "") or "0"
        empty = next((name for name in ("reader", "case", "modality") if not cells[name]), None)
        if empty:
            problems.append(Problem(line, empty, "nothing", "a name"))
        elif math.isnan(score):
            problems.append(
                Problem(line, "score", shown_cell(cells["score"]), "a number, or nothing where it was not read")
            )
        elif repeat not in ("0", "1"):
            problems.append(Problem(line, "repeat", shown_cell(repeat), "0 for the first and 1 for the second reading"))
        else:
            yield ReadingRow(line, cells["reader"], cells["case"], cells["modality"], score, int(repeat), seconds)


def _truth(
    file: Path, text: TableText, columns: dict[str, int], problems: list[Problem]
) -> tuple[dict[str, bool], TableText]:
    """Return the truth of each case and the table of readings alone.

    The truth is in each row, in rows of the reader "truth" as in the .imrmc format, or in a table next to it.
    """
    if "truth" in columns:
        return _truths(text, columns["case"], columns["truth"], problems), text
    of_truth = [row for row in text.rows[1:] if len(row.cells) == len(text.rows[0].cells) and _is_truth(row, columns)]
    if of_truth:
        left = dataclasses.replace(text, rows=tuple(row for row in text.rows if row not in of_truth))
        known = dataclasses.replace(text, rows=(text.rows[0], *of_truth))
        return _truths(known, columns["case"], columns["score"], problems), left
    other = file.with_name(TRUTH_FILE)
    if not other.is_file():
        raise ReadingsError(f"{file.name} has no column 'truth', and there is no {other}; expected one of them")
    table = _text(other)
    found = _columns(other, table.rows[0])
    if not {"case", "truth"} <= set(found):
        raise ReadingsError(f"{other} has the columns {', '.join(table.rows[0].cells)}; expected case and truth")
    own: list[Problem] = []
    truth = _truths(table, found["case"], found["truth"], own)
    refuse({other.name: own}, ReadingsError)
    return truth, text


def _is_truth(row: Row, columns: dict[str, int]) -> bool:
    return row.cells[columns["reader"]] in TRUTH


def _truths(text: TableText, case: int, truth: int, problems: list[Problem]) -> dict[str, bool]:
    """Return the truth of each case; a cell may be empty where another row of the case has it."""
    found: dict[str, bool] = {}
    for line, cells in _cells(text, {"case": case, "truth": truth}, []):
        known = TRUTHS.get(cells["truth"].casefold())
        if known is None and cells["truth"]:
            problems.append(Problem(line, "truth", shown_cell(cells["truth"]), "0 for healthy or 1 for diseased"))
        elif known is not None and found.setdefault(cells["case"], known) != known:
            problems.append(
                Problem(line, "truth", f"another truth of case {shown_cell(cells['case'])}", "that of rows before")
            )
    return found


def _experience(text: TableText, columns: dict[str, int], problems: list[Problem]) -> dict[str, str]:
    """Return the level of each reader; two levels of one reader are a problem."""
    found: dict[str, str] = {}
    for line, cells in _cells(text, columns, []) if "experience" in columns else ():
        level, reader = cells["experience"], cells["reader"]
        if level and found.setdefault(reader, level) != level:
            problems.append(
                Problem(line, "experience", shown_cell(level), f"{shown_cell(found[reader])} as before of {reader}")
            )
    return found


def _thresholds(text: TableText, columns: dict[str, int], problems: list[Problem]) -> dict[str, DecisionThreshold]:
    """Return the threshold of each modality that has one; two of one modality are a problem."""
    found: dict[str, DecisionThreshold] = {}
    for line, cells in _cells(text, columns, []):
        if not (cell := cells.get("threshold", "")):
            continue
        value, name = number(text.number(cell)), cells["modality"]
        own = DecisionThreshold(value, cells.get("threshold_source", "") or IN_TABLE)
        if math.isnan(value):
            problems.append(Problem(line, "threshold", shown_cell(cell), "a score, above which an answer is positive"))
        elif found.setdefault(name, own).value != value:
            problems.append(
                Problem(line, "threshold", shown_cell(cell), f"{found[name].value:g} as before with {name}")
            )
    return found


def write_readings_table(path: Path, data: StudyData, thresholds: Mapping[str, DecisionThreshold]) -> None:
    """Write all readings of a study as such a table."""
    write_table(path, COLUMNS, _written(data, thresholds))


def _written(data: StudyData, thresholds: Mapping[str, DecisionThreshold]) -> Iterator[Sequence[object]]:
    readings = data.readings
    arrays = (readings.scores,) if data.second is None else (readings.scores, data.second)
    for repeat, scores in enumerate(arrays):
        for place, modality in enumerate(readings.modalities):
            own_threshold = thresholds.get(modality)
            at = (None, None) if own_threshold is None else (own_threshold.value, own_threshold.source)
            for own, reader in enumerate(readings.readers):
                for case, name in enumerate(readings.cases):
                    score = float(scores[place, own, case])
                    if math.isnan(score):
                        continue
                    seconds = None if data.seconds is None or repeat else float(data.seconds[place, own, case])
                    truth, experience = int(readings.diseased[case]), data.experience.get(reader, "")
                    yield reader, name, modality, score, truth, repeat, experience, seconds, *at
