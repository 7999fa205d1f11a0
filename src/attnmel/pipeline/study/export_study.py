"""Write the answers of a study as tables: all of them, and those that are analysed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from attnmel.errors import ReadingsError, counted, listed
from attnmel.files.own_files import require_own_file
from attnmel.files.table_files import write_table
from attnmel.number_formats import percent
from attnmel.pipeline.study.analysis.imrmc import FIRST_LINE, write_imrmc
from attnmel.pipeline.study.analysis.read_study import read_study
from attnmel.pipeline.study.analysis.readings_table import TRUTH_FILE
from attnmel.pipeline.study.open_study import OpenStudy
from attnmel.pipeline.study.reader_progress import progress_of
from attnmel.pipeline.study.reading_order import OrderedCase
from attnmel.pipeline.study.store import Answer, Reader
from attnmel.pipeline.study.study_file import ALONE, SUPPORT, Machine, Study

COLUMNS = (
    "study", "reader", "experience", "session", "position", "case", "modality", "repeat", "suspicion", "diagnosis",
    "confidence", "management", "comment", "shown_at", "answered_at", "seconds_active", "changed_from", "practice",
    "software",
)  # fmt: skip

READING_COLUMNS = (*COLUMNS, "threshold", "threshold_source")
"""Of the readings to analyse: with where a machine decides, on the scale of the suspicion."""

ANSWERS, READINGS, IMRMC = "answers.csv", "readings.csv", "readings.imrmc"

STARTS = (b"study,reader,", b"case,truth,diagnosis", FIRST_LINE.encode())
"""Of the files that are written here."""


@dataclass(frozen=True)
class ExportedReadings:
    """What was written, and what to know of it."""

    readings: Path | None
    """The table that `attnmel study analyse` takes; None while no reader is complete."""
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Given:
    """An answer with the item that it belongs to."""

    reader: Reader
    item: OrderedCase
    answer: Answer
    shown_at: str | None
    before: Answer | None


def export_study(opened: OpenStudy, out: Path) -> ExportedReadings:
    """Write `answers.csv` with every answer, `truth.csv`, and `readings.csv` with `readings.imrmc` to analyse.

    The readings hold no practice, and only readers who fulfil the completion rule; each machine is a modality with a
    single reader, itself. Where a name of a case cannot stand in `readings.imrmc`, a note says so.

    Raises:
        ConfigError: the folder holds files of these names that are not of a study.
    """
    study = opened.study
    given = list(_given(opened))
    out.mkdir(parents=True, exist_ok=True)
    for name in (ANSWERS, TRUTH_FILE, READINGS, IMRMC):
        if not _is_export(out / name):
            require_own_file(out / name)
    write_table(out / ANSWERS, COLUMNS, (_row(study, one) for one in given))
    cases = [one for one in study.cases if not one.training]
    write_table(
        out / TRUTH_FILE, ("case", "truth", "diagnosis"), [(c.case, int(c.diseased), c.diagnosis) for c in cases]
    )
    complete = {r.name for r in opened.store.readers() if progress_of(study, opened.store, r).share >= study.completion}
    notes = []
    if left := [name for name in study.readers if name not in complete]:
        share = percent(study.completion)
        notes.append(f"{counted(len(left), 'reader')} without {share} of the answers left out: {listed(left)}")
    notes += [
        f"{one.name}: learnt from {len(one.learnt_from):,} of the cases ({listed(one.learnt_from)}), practice "
        "included; what readers were shown of them, and its AUC, are better than on new images"
        for one in study.machines
        if one.learnt_from
    ]
    kept = [one for one in given if one.reader.name in complete and not one.item.case.training]
    rows = [
        *((*_row(study, one), None, None) for one in kept),
        *(row for one in study.machines for row in _machine_rows(study, one)),
    ]
    path = out / READINGS
    if kept:
        write_table(path, READING_COLUMNS, rows)
        try:
            write_imrmc(out / IMRMC, read_study(path).readings)
        except ReadingsError as error:
            notes.append(f"{IMRMC} is not written: {error}")
    return ExportedReadings(path if kept else None, tuple(notes))


def _is_export(path: Path) -> bool:
    """Return whether a file starts like one of these tables."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(40).removeprefix(b"\xef\xbb\xbf").startswith(STARTS)


def _given(opened: OpenStudy) -> Iterator[_Given]:
    for reader in opened.store.readers():
        progress, shown = progress_of(opened.study, opened.store, reader), opened.store.shown(reader)
        for item in progress.items:
            for stage in item.stages:
                answer = progress.answers.get((item.position, stage))
                # Of a crossed study there is none: every second reader was shown the machine first.
                before = progress.answers.get((item.position, ALONE)) if stage == SUPPORT else None
                if answer is not None:
                    yield _Given(reader, item, answer, shown.get((item.position, stage)), before)


def _modality(one: _Given) -> str:
    return ALONE if one.answer.stage == ALONE else f"with {one.item.machine}"


def _row(study: Study, one: _Given) -> Sequence[object]:
    item, answer = one.item, one.answer
    return (
        study.name, one.reader.name, study.experience.get(one.reader.name, ""), item.session, item.position,
        item.case.case, _modality(one), int(item.repeat), answer.suspicion, answer.diagnosis, answer.confidence,
        answer.management, answer.comment, one.shown_at, answer.at, answer.seconds,
        None if one.before is None else one.before.suspicion, int(item.case.training), study.software,
    )  # fmt: skip


def _machine_rows(study: Study, machine: Machine) -> Iterator[Sequence[object]]:
    """Yield what a machine showed, as suspicion from 0 to 100."""
    for case in study.cases:
        if not case.training:
            cells = {"study": study.name, "reader": machine.name, "case": case.case, "modality": machine.name}
            cells |= {"repeat": 0, "suspicion": 100 * machine.probabilities[case.case], "software": study.software}
            if machine.threshold is not None:
                cells |= {"threshold": 100 * machine.threshold, "threshold_source": machine.threshold_source}
            yield [cells.get(name) for name in READING_COLUMNS]
