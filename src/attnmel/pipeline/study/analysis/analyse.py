"""A file of readings -> the analysis of the study, and a folder with its report and tables."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from attnmel.errors import ConfigError, ReadingsError, counted
from attnmel.evaluation.readers.decisions import DecisionThreshold
from attnmel.evaluation.readers.study import analyse_readings
from attnmel.evaluation.readers.study_results import StudyAnalysis, StudyOptions
from attnmel.files.own_files import require_only, require_own_file
from attnmel.files.table_files import write_json
from attnmel.pipeline.study.analysis.analysis_dict import analysis_dict
from attnmel.pipeline.study.analysis.imrmc import FIRST_LINE, write_imrmc
from attnmel.pipeline.study.analysis.read_study import read_study
from attnmel.pipeline.study.analysis.readings_table import COLUMNS, write_readings_table
from attnmel.pipeline.study.analysis.study_data import StudyData
from attnmel.progress import Progress
from attnmel.report.html.page import write_report
from attnmel.report.sections.readers.reader_study import study_sections
from attnmel.report.sections.readers.study_sentences import answers_of, notes_of

OF_STUDY = "that of the analysis"
"""Where the threshold of readers comes from, in the table that is written."""

REPORT, RESULTS, TABLE, IMRMC = "report.html", "analysis.json", "readings.csv", "readings.imrmc"


@dataclass(frozen=True)
class AnalysedStudy:
    """The readings of a file, and their analysis."""

    file: Path
    data: StudyData
    analysis: StudyAnalysis

    def as_dict(self) -> dict[str, object]:
        """Return all results as plain values."""
        notes = [*self.data.notes, *notes_of(self.analysis)]
        answer = list(answers_of(self.analysis))
        plain = {"file": str(self.file), "answer": answer, "notes": notes, **analysis_dict(self.analysis)}
        return {**plain, "seconds": median_seconds(self)} if self.data.seconds is not None else plain

    @property
    def sentence(self) -> str:
        """What was read, in one sentence."""
        found = self.analysis
        people = found.readings.of(found.human)
        diseased = int(people.diseased.sum())
        cases = f"{counted(len(people.cases) - diseased, 'healthy case')} and {counted(diseased, 'diseased case')}"
        modalities = f"{counted(len(found.human), 'modality', 'modalities')} ({', '.join(found.human)})"
        names = found.machine_names
        machine = f"; {'machine' if len(names) == 1 else 'machines'}: {', '.join(names)}" if names else ""
        design = "every" if people.crossed else "not every"
        readers = counted(len(people.readers), "reader")
        return f"{readers}, {modalities}, {cases}; {design} reader read every case with every modality{machine}"


def analyse_study(file: Path, options: StudyOptions) -> AnalysedStudy:
    """Read a file of readings and analyse it.

    Raises:
        ReadingsError: the file cannot be used.
        ConfigError: an option does not fit the readings.
    """
    data = read_study(file)
    options = replace(options, stated=data.thresholds, scale_threshold=data.threshold)
    analysis = analyse_readings(data.readings, options, second=data.second, experience=data.experience)
    return AnalysedStudy(file, data, analysis)


def median_seconds(study: AnalysedStudy) -> dict[str, dict[str, float]]:
    """Return each reader's median time of a reading by modality; NaN where none is known."""
    readings, seconds = study.analysis.readings, study.data.seconds
    if seconds is None:
        return {}
    found: dict[str, dict[str, float]] = {}
    for place, modality in enumerate(readings.modalities):
        for reader, own in zip(readings.readers, seconds[place], strict=True):
            if not np.isnan(own).all():
                found.setdefault(modality, {})[reader] = float(np.nanmedian(own))
    return found


def write_study(study: AnalysedStudy, folder: Path, progress: Progress) -> None:
    """Write the report, the results in full precision and the readings in both formats into a folder.

    Raises:
        ConfigError: the folder holds other files, or files of these names that were not written here.
    """
    require_only(folder, {REPORT, RESULTS, TABLE, IMRMC}, "an analysis of a study")
    for name in (REPORT, RESULTS):
        require_own_file(folder / name)
    for name, line in ((TABLE, ",".join(COLUMNS)), (IMRMC, FIRST_LINE)):
        _require_first_line(folder / name, line)
    folder.mkdir(parents=True, exist_ok=True)
    write_study_report(study, folder / REPORT)
    write_json(folder / RESULTS, study.as_dict())
    write_readings_table(folder / TABLE, study.data, _thresholds(study.analysis))
    try:
        write_imrmc(folder / IMRMC, study.data.readings)
    except ReadingsError as error:
        progress.note(f"{IMRMC} is not written: {error}")


def _thresholds(found: StudyAnalysis) -> dict[str, DecisionThreshold]:
    """Return where each modality decides, so that the written readings give the same decisions again."""
    own = {one.name: one.threshold for one in found.machines if one.threshold is not None}
    if found.threshold is None:
        return own
    return own | {name: DecisionThreshold(found.threshold, OF_STUDY) for name in found.human}


def _require_first_line(path: Path, line: str) -> None:
    """Refuse to replace readings that were not written here, such as those that are analysed: columns would be lost."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        if file.readline().strip() != line:
            raise ConfigError(f"{path} was not written by attnmel, so it is not replaced; name another folder")


def write_study_report(study: AnalysedStudy, path: Path) -> None:
    """Write the page of a study."""
    found = study.analysis
    first, *others = study_sections(found, median_seconds(study))
    first = replace(first, notes=(f"readings: {study.file.name}, {study.sentence}", *study.data.notes))
    title = f"Reader study, {counted(len(found.readings.of(found.human).readers), 'reader')}"
    write_report(path, (), leading=(first, *others), title=title)
