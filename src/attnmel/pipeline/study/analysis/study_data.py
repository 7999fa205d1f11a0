"""Rows of a study's files -> its readings as arrays, with what else is known of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from attnmel.data.tables.problems import Problem, refuse, shown_cell
from attnmel.errors import ReadingsError, counted
from attnmel.evaluation.readers.decisions import DecisionThreshold
from attnmel.evaluation.readers.readings import Readings

LARGEST = 2 * 10**8
"""Readings of the whole table of readers, cases and modalities; more do not fit into the memory of a small computer."""


class ReadingRow(NamedTuple):
    """One answer of one reader."""

    line: int
    reader: str
    case: str
    modality: str
    score: float
    repeat: int = 0
    seconds: float = np.nan


@dataclass(frozen=True)
class StudyData:
    """All readings of a study; arrays are as long as the readings' modalities, readers and cases."""

    readings: Readings
    second: Float[np.ndarray, "M R N"] | None = None
    """Scores of images that were shown to a reader twice, the second time; NaN elsewhere."""
    seconds: Float[np.ndarray, "M R N"] | None = None
    """Time of each first reading; NaN where it is not known."""
    experience: Mapping[str, str] = field(default_factory=dict)
    """By reader."""
    threshold: float | None = None
    """Score above which an answer is positive, where the kind of file says it."""
    thresholds: Mapping[str, DecisionThreshold] = field(default_factory=dict)
    """The same by modality, where the rows say it."""
    notes: tuple[str, ...] = ()


def study_data(
    file: Path, rows: Sequence[ReadingRow], truth: Mapping[str, bool], problems: Sequence[Problem] = ()
) -> StudyData:
    """Put rows into arrays, in the order of the names; cases that nobody read are left out, and counted in a note.

    Raises:
        ReadingsError: lists what is wrong: rows without truth, rows that occur twice, and the `problems` found before.
    """
    found = list(problems)
    first: dict[tuple[str, str, str, int], int] = {}
    for row in rows:
        if row.case not in truth:
            found.append(Problem(row.line, "", f"a reading of case {shown_cell(row.case)}", "a row with its truth"))
        key = (row.reader, row.case, row.modality, row.repeat)
        if key in first:
            reader, case, modality = map(shown_cell, key[:3])
            again = f"reader {reader} and case {case} with {modality} a second time"
            expected = f"one reading (as in line {first[key]}), or a column 'repeat' with 1 for the second"
            found.append(Problem(row.line, "", again, expected, kind="doubled"))
        first.setdefault(key, row.line)
    refuse({file.name: found}, ReadingsError)
    if not rows:
        raise ReadingsError(f"{file} holds no reading; expected one row for each reader, case and modality")
    return _filled(file, rows, truth)


def _filled(file: Path, rows: Sequence[ReadingRow], truth: Mapping[str, bool]) -> StudyData:
    modalities, readers = sorted({row.modality for row in rows}), sorted({row.reader for row in rows})
    read = {row.case for row in rows}
    cases = [case for case in truth if case in read]
    places = [{name: place for place, name in enumerate(names)} for names in (modalities, readers, cases)]
    shape = (len(modalities), len(readers), len(cases))
    if np.prod(shape, dtype=np.float64) > LARGEST:
        raise ReadingsError(
            f"{file} has {counted(shape[0], 'modality', 'modalities')}, {counted(shape[1], 'reader')} and "
            f"{counted(shape[2], 'case')}: more than the {LARGEST:,} readings that can be analysed"
        )
    scores, second, seconds = (np.full(shape, np.nan) for _ in range(3))
    for row in rows:
        place = places[0][row.modality], places[1][row.reader], places[2][row.case]
        (second if row.repeat else scores)[place] = row.score
        if not row.repeat:
            seconds[place] = row.seconds
    diseased = np.array([truth[case] for case in cases], dtype=bool)
    unread = len(truth) - len(cases)
    return StudyData(
        Readings(tuple(modalities), tuple(readers), tuple(cases), diseased, scores),
        second=None if np.isnan(second).all() else second,
        seconds=None if np.isnan(seconds).all() else seconds,
        notes=(
            *((f"{counted(unread, 'case')} with truth, but without a reading, left out",) if unread else ()),
            *_alike("readers", readers),
            *_alike("modalities", modalities),
        ),
    )


def _alike(what: str, names: Sequence[str]) -> Iterator[str]:
    """Yield a note for each two names that differ in capital letters only, which may be meant as one."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            both = f"{shown_cell(other)} and {shown_cell(name)}"
            yield f"the {what} {both} differ in capital letters only, and count as two"
