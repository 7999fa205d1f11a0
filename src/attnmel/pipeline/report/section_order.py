"""The results of a run -> the sections of its report beyond the measures, in the order of the page."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attnmel.evaluation.classification.curves import RocCurve
from attnmel.evaluation.statistics.bootstrap import RESAMPLES
from attnmel.pipeline.report.ablations import ablation_sections
from attnmel.pipeline.report.leakage import leakage_sections
from attnmel.pipeline.report.maps import run_maps_section
from attnmel.pipeline.run.images.seen_images import Leak
from attnmel.pipeline.run.results.results import SplitResults
from attnmel.pipeline.run.run import Run
from attnmel.report.html.sections import Section
from attnmel.report.sections.calibration import calibration_section
from attnmel.report.sections.challenge import official_section
from attnmel.report.sections.confusion_matrix import confusion_section
from attnmel.report.sections.decision_curve import decision_section
from attnmel.report.sections.intervals import interval_section
from attnmel.report.sections.operating_points import operating_section
from attnmel.report.sections.subgroups import subgroups_section


def topics(
    run: Run,
    results: SplitResults,
    curves: Mapping[str, RocCurve],
    others: Sequence[Run] = (),
    *,
    leaks: Sequence[Leak] = (),
    anchor: str,
    page: Path,
    resamples: int = RESAMPLES,
) -> tuple[Section, ...]:
    """Return the sections of some results; a run that was evaluated by an earlier version has fewer.

    `curves` are by class, `leaks` the images of the run that are known from training, and `others` the
    runs on the same `page`, which may hold ablations; `anchor` is unique there.
    """
    alone = page if len(others) < 2 else None
    maps = run_maps_section(run, results.name, results.epoch, alone=alone)
    return (
        *leakage_sections(run, results.name, leaks, resamples=resamples),
        *_detailed(run, results, curves, anchor),
        *ablation_sections(run, results.name, others),
        *([] if maps is None else [maps]),
        interval_section(results.judgement, results.title),
    )


def _detailed(run: Run, results: SplitResults, curves: Mapping[str, RocCurve], anchor: str) -> Iterator[Section]:
    details = run.details(results)
    if details is None:
        return
    if details.official is not None:
        yield official_section(details.official)
    yield operating_section(details.operating, curves.get(details.operating[0].task), anchor=anchor)
    yield decision_section(details.decision, anchor=anchor)
    yield calibration_section(details.calibration, results.title, anchor=anchor)
    yield confusion_section(details.confusion, anchor=anchor)
    if (of_subgroups := subgroups_section(details.subgroups, anchor=anchor)) is not None:
        yield of_subgroups
