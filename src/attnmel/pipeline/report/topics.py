"""A judged run -> the topics of its page that go beyond the measures, in the order of the page."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attnmel.evaluation.classification.curves import RocCurve
from attnmel.evaluation.statistics.bootstrap import RESAMPLES
from attnmel.folders import RunFolder
from attnmel.pipeline.report.ablations import control_sections
from attnmel.pipeline.report.leakage import leakage_sections
from attnmel.pipeline.report.maps import run_maps_section
from attnmel.pipeline.run.results import SplitResults
from attnmel.pipeline.run.results_details import read_details
from attnmel.progress import SILENT, Progress
from attnmel.report.html.sections import Section
from attnmel.report.sections.calibration import calibration_section
from attnmel.report.sections.challenge import official_section
from attnmel.report.sections.confusion_matrix import confusion_section
from attnmel.report.sections.decision_curve import decision_section
from attnmel.report.sections.intervals import interval_section
from attnmel.report.sections.operating_points import operating_section
from attnmel.report.sections.subgroups import subgroups_section


def topics(
    run: RunFolder,
    judged: SplitResults,
    curves: Mapping[str, RocCurve],
    others: Sequence[RunFolder] = (),
    *,
    anchor: str,
    page: Path,
    home: Path,
    resamples: int = RESAMPLES,
    progress: Progress = SILENT,
) -> tuple[Section, ...]:
    """Return the topics of one judgement; a run that was judged by an earlier version has fewer.

    `curves` are by class, `others` the runs on the same `page`, among which controls may be; `anchor` is unique there.
    """
    alone = page if len(others) < 2 else None
    maps = run_maps_section(run, judged.name, judged.epoch, alone=alone, home=home, progress=progress)
    return (
        *leakage_sections(run, judged.name, resamples=resamples),
        *_detailed(run, judged, curves, anchor),
        *control_sections(run, judged.name, others, home=home, progress=progress),
        *([] if maps is None else [maps]),
        interval_section(judged.judgement, judged.name),
    )


def _detailed(run: RunFolder, judged: SplitResults, curves: Mapping[str, RocCurve], anchor: str) -> Iterator[Section]:
    details = read_details(run, judged)
    if details is None:
        return
    if details.official is not None:
        yield official_section(details.official)
    yield operating_section(details.operating, curves[details.operating[0].task], anchor=anchor)
    yield decision_section(details.decision, anchor=anchor)
    yield calibration_section(details.calibration, judged.name, anchor=anchor)
    yield confusion_section(details.confusion, anchor=anchor)
    if (of_subgroups := subgroups_section(details.subgroups, anchor=anchor)) is not None:
        yield of_subgroups
