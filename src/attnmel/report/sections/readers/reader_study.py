"""A study of readers to the sections of a page: words, rounding and figures only."""

from collections.abc import Iterator, Mapping

import numpy as np

from attnmel.evaluation.classification.curves import RocCurve
from attnmel.evaluation.readers.curves import average_curve, reader_curve
from attnmel.evaluation.readers.study_results import StudyAnalysis
from attnmel.figures.readers import ForestRow, flows_figure, forest_figure, reader_roc_figure, times_figure
from attnmel.number_formats import fixed
from attnmel.report.html.sections import Drawing, Section
from attnmel.report.sections.readers import reader_tables as tables
from attnmel.report.sections.readers.study_sentences import answers_of, machine_decides, notes_of, single_answers

FOREST_READERS = 40
"""Readers drawn one by one; of more only the means."""

GENERAL = (
    "Intervals for all readers and cases say what other readers on other cases would reach (Obuchowski and Rockette, "
    "Hillis' degrees of freedom); those for these readers say it of other cases alone. The U-statistic (Gallas) "
    "answers the first question in another way, and needs no complete design."
)


def study_sections(found: StudyAnalysis, seconds: Mapping[str, Mapping[str, float]]) -> tuple[Section, ...]:
    """Return the sections of a study, the answer first; a part that the readings do not allow has none."""
    sections = [Section(name="answer", title="Answer", prose=" ".join(answers_of(found))), _aucs(found), _curves(found)]
    if tables.decided(found):
        sections.append(_decisions(found))
    sections += [*_changes(found), *_agreement(found), *_experience(found), *_times(seconds)]
    return tuple(sections)


def _aucs(found: StudyAnalysis) -> Section:
    figures = [
        Drawing(
            forest_figure(_auc_rows(found), label="AUC", name="forest-auc"),
            "AUC; a diamond is a mean of readers, or a machine.",
        )
    ]
    rows = [
        ForestRow(f"{one.first} \N{MINUS SIGN} {one.second}", one.random.value, one.random.low, one.random.high, True)
        for one in tables.every_difference(found)
    ]
    if rows:
        drawn = forest_figure(rows, label="difference of AUC", name="forest-difference", line=0.0)
        figures.append(Drawing(drawn, "Differences for all readers and cases; right of 0 the first is better."))
    binormal = tables.binormal_tables(found)
    own = [tables.auc_table(found), *([tables.reader_difference_table(found)] if rows else [])]
    return Section(
        name="auc",
        title="AUC",
        prose=GENERAL,
        figures=tuple(figures),
        tables=tuple(own),
        more=(tables.reader_table(found), *tables.component_tables(found), *binormal),
        notes=tuple(notes_of(found)),
    )


def _auc_rows(found: StudyAnalysis) -> list[ForestRow]:
    rows = []
    for one in found.modalities:
        if len(one.readers) <= FOREST_READERS:
            rows += [ForestRow(f"{reader}, {one.name}", *interval) for reader, interval in one.readers.items()]
        if one.analysis is not None:
            mean = one.analysis.random.means[0]
            rows.append(ForestRow(f"mean, {one.name}", mean.value, mean.low, mean.high, mean=True))
    return [*rows, *(ForestRow(one.name, *one.auc, mean=True) for one in found.machines)]


def _curves(found: StudyAnalysis) -> Section:
    curves: list[tuple[str, RocCurve]] = []
    for name in found.human:
        own = list(_reader_curves(found, name))
        if own:
            average = average_curve(own)
            curves.append((f"{name}, mean of readers, AUC {fixed(average.auc)}", average))
    points: dict[str, list[tuple[float, float]]] = {}
    if found.shares:
        sensitivity, specificity = (found.shares[share].by_reader for share in ("sensitivity", "specificity"))
        for place, name in enumerate(found.human):
            cells = [cell for cell in sensitivity if cell[0] == place and cell in specificity]
            points[f"readers, {name}"] = [(1 - specificity[cell].value, sensitivity[cell].value) for cell in cells]
    own = [(one, next(_reader_curves(found, one.name))) for one in found.machines]
    curves = [(f"{one.name}, AUC {fixed(curve.auc)}", curve) for one, curve in own] + curves
    stars = [
        (1 - one.shares["specificity"].value, one.shares["sensitivity"].value) if len(one.shares) == 3 else None
        for one in found.machines
    ]
    drawn = reader_roc_figure(curves, points, name="roc", machines=stars)
    star = (
        ("; a star is the machine's decisions" if len(stars) == 1 else "; stars are the machines' decisions")
        if any(stars)
        else ""
    )
    signs = (
        f"Each sign is a reader's decisions{star}." if points else "Curves of scores; no threshold, so no decisions."
    )
    drawing = Drawing(drawn, f"{signs} The dotted line is chance.")
    return Section(name="roc", title="ROC curves", figures=(drawing,))


def _reader_curves(found: StudyAnalysis, name: str) -> Iterator[RocCurve]:
    readings = found.readings
    for scores in readings.scores[readings.modality(name)]:
        read = ~np.isnan(scores)
        if 0 < readings.diseased[read].sum() < read.sum():
            yield reader_curve(readings.diseased, scores)


def _decisions(found: StudyAnalysis) -> Section:
    return Section(
        name="decisions",
        title="Sensitivity and specificity",
        prose="Averages are over readers, with intervals for all readers and cases.",
        tables=(tables.share_table(found),),
        more=(tables.share_reader_table(found),) if found.shares else (),
        notes=tuple(machine_decides(found)),
    )


def _changes(found: StudyAnalysis) -> Iterator[Section]:
    for number, (name, own) in enumerate(found.changes.items(), 1):
        figures = []
        for right, words in ((True, "right"), (False, "wrong")):
            counts = {key[1:]: count for key, count in own.flows.items() if key[0] == right}
            if sum(counts.values()):
                title = f"Answers where the machine is {words}"
                figures.append(Drawing(flows_figure(counts, name=f"flows-{number}-{words}", title=title), f"{title}."))
        yield Section(
            name=f"changes-{number}",
            title="Changed answers" if len(found.changes) == 1 else f"Changed answers, {name}",
            prose="Right answers that became wrong where the machine is wrong are automation bias.",
            figures=tuple(figures),
            tables=(tables.change_table(name, found),),
            notes=tuple(single_answers(found, name)),
        )


def _agreement(found: StudyAnalysis) -> Iterator[Section]:
    own = [table for table in (tables.agreement_table(found), tables.repeat_table(found)) if table is not None]
    if own:
        prose = "AC1 and AC2 are Gwet's, which do not fall where one answer is rare, as kappa does."
        yield Section(name="agreement", title="Agreement", prose=prose, tables=tuple(own))


def _experience(found: StudyAnalysis) -> Iterator[Section]:
    if found.groups:
        yield Section(name="experience", title="By experience", tables=(tables.experience_table(found),))


def _times(seconds: Mapping[str, Mapping[str, float]]) -> Iterator[Section]:
    if seconds:
        drawn = times_figure({name: list(own.values()) for name, own in seconds.items()}, name="times")
        caption = "A point is a reader, the line the median of readers."
        yield Section(name="time", title="Time", figures=(Drawing(drawn, caption),), more=(tables.time_table(seconds),))
