"""An analysed study -> one HTML page."""

from dataclasses import replace
from pathlib import Path

from attnmel.errors import counted
from attnmel.evaluation.readers.machines import reference_of
from attnmel.pipeline.study.analysis.analyse import AnalysedStudy, median_seconds
from attnmel.report.html.page import write_report
from attnmel.report.sections.readers.reader_study import study_sections


def write_study_report(study: AnalysedStudy, path: Path) -> None:
    """Write the page of a study."""
    found = study.analysis
    first, *others = study_sections(
        found, median_seconds(study), reference_of(found.readings, found.options, found.machine_names)
    )
    first = replace(
        first, prose=f"{study.file.name}: {study.sentence}. {first.prose}", notes=(*first.notes, *study.data.notes)
    )
    title = f"Reader study, {counted(len(found.readings.of(found.human).readers), 'reader')}"
    write_report(path, (), leading=(first, *others), title=title)
