"""Subgroups to a section of the page: words and rounding only."""

import math
from collections.abc import Iterator

from attnmel.evaluation.calibration.calibration import Reliability
from attnmel.evaluation.classification.choose_threshold import LEAST
from attnmel.evaluation.classification.reached_at_threshold import OperatingPoint
from attnmel.evaluation.subgroup_metrics import GroupFigures
from attnmel.evaluation.subgroups import SHOWN, Subgroup, Subgroups
from attnmel.figures.subgroups import subgroup_forest_figure
from attnmel.number_formats import fixed, in_full, minus, percent, signed, stacked
from attnmel.report.html.sections import Drawing, Section, Table
from attnmel.report.html.tables import MEASURE_WORDS, spaced

ATTRIBUTE_WORDS = {
    "age": "Age in years",
    "sex": "Sex",
    "site": "Place on the body",
    "confirmation": "Diagnosis confirmed by",
    "source": "Source of the image",
}


def subgroups_section(found: Subgroups, *, anchor: str) -> Section | None:
    """Return the section; None where no attribute parts the images."""
    if not found.groups:
        return None
    name = spaced(found.task)
    counts = (
        f"Next to each group: number of {name} and of images. The dotted line is the value of all images, a hollow "
        "point a small group."
    )
    drawn = [
        Drawing(subgroup_forest_figure(found, measure, label=label, name=f"{anchor}-{measure}-groups"), counts)
        for measure, label in (("auc", "AUC"), ("sensitivity", "sensitivity at 0.5"))
    ]
    return Section(
        name="subgroups",
        title="Subgroups",
        prose=f"Each group is evaluated by itself, {name} against the rest. Groups differ in how hard their lesions "
        "are, not only in how well the network does; with so many groups, some look different by chance.",
        figures=tuple(drawn),
        more=(_table(found), *group_tables(found)),
        notes=_notes(found),
    )


def _table(found: Subgroups) -> Table:
    partial = ("Partial AUC",) if found.everyone.figures else ()
    heads = ("Group", "Images", spaced(found.task), *(MEASURE_WORDS[measure][0] for measure in SHOWN), *partial)
    return Table("Every group. An asterisk marks small ones.", heads, tuple(map(_row, (found.everyone, *found.groups))))


def _row(one: Subgroup) -> tuple[str, ...]:
    partial = (stacked(one.figures.partial_share),) if one.figures else ()
    counts = (f"{one.images:,}", f"{one.positives:,}")
    return group_name(one), *counts, *(stacked(getattr(one, measure)) for measure in SHOWN), *partial


def _notes(found: Subgroups) -> tuple[str, ...]:
    notes = []
    if any(one.few for one in found.groups):
        notes.append(
            "Hollow, or with an asterisk: fewer than ten images on a side. Their intervals are too narrow and their "
            "figures say little; without any image on a side there is no AUC."
        )
    notes += [f"{ATTRIBUTE_WORDS[attribute]}: {group} for all images." for attribute, group in found.alike.items()]
    notes.append("Sensitivity and specificity at 0.5. 95 % intervals by the same methods as those of the measures.")
    return (*notes, *group_notes(found))


Judged = tuple[str, Subgroup, GroupFigures]
"""A group's name on the page, its counts, and its figures."""


def group_tables(found: Subgroups) -> tuple[Table, ...]:
    """Return a table per topic with a row per group; none for topics that were not evaluated."""
    groups = list(_judged(found))
    if not groups:
        return ()
    name, whole = spaced(found.task), groups[0][2]
    points = [place for place, point in enumerate(whole.points) if not math.isnan(point.threshold)]
    after = [(*one, one[2].after) for one in groups if one[2].after is not None]
    return (
        *(_reached(groups, place, name) for place in points),
        _net_benefit(groups, name),
        _calibration("Calibration, uncalibrated.", [(*one, one[2].before) for one in groups]),
        *([_calibration("Calibration at the temperature of all images.", after)] if after else []),
        _classes(groups),
    )


def group_notes(found: Subgroups) -> tuple[str, ...]:
    """Return what a reader of the tables must know, a sentence or two each."""
    if found.everyone.figures is None:
        return ()
    resamples = ""
    if found.resamples:
        resamples = f", {found.resamples:,} resamples a group, so that it stays quick; of all images as further above"
    return (
        "For every number: thresholds and temperature were chosen for all groups together, and "
        "no group chooses its own. PPV, NPV, precision of a class and net benefit hold for the group's own share of "
        f"{spaced(found.task)}, and so differ between groups that are recognised alike.",
        f"Partial AUC: above a sensitivity of {LEAST:g}, as a share of the most there can be. By percentile bootstrap: "
        f"this, PPV at a prevalence, net benefit and calibration{resamples}. ECE by chance: what as many images show "
        "if every probability is right (mean, 95 % range); a small group has a large ECE by chance alone.",
        "A dash: not defined there, as without an image of a class, or a slope where the probabilities separate the "
        "classes.",
    )


def group_name(one: Subgroup) -> str:
    """Return a group with its attribute; an asterisk marks a small one."""
    attribute = f"{one.attribute}: " if one.attribute else ""
    return f"{attribute}{one.group}{'*' if one.few else ''}"


def _judged(found: Subgroups) -> Iterator[Judged]:
    for one in (found.everyone, *found.groups):
        if one.figures is not None:
            yield group_name(one), one, one.figures


def _reached(groups: list[Judged], place: int, name: str) -> Table:
    """Return what one threshold reaches in every group."""
    point = groups[0][2].points[place]
    aim = "" if math.isnan(point.target) else f", chosen for a sensitivity of {point.target:g}"
    precision = (f"PPV at {percent(one)}" for one in groups[0][2].prevalences)
    return Table(
        f"Called {name} above {in_full(point.threshold)}{aim}: what that reaches.",
        ("Group", "Found", "False alarms", "Sensitivity", "Specificity", "PPV", "NPV", *precision),
        tuple((title, *_point(one, figures.points[place])) for title, one, figures in groups),
    )


def _point(one: Subgroup, point: OperatingPoint) -> tuple[str, ...]:
    reached = point.reached
    return (
        f"{point.true_positives:,} of {one.positives:,}",
        f"{point.false_positives:,} of {one.images - one.positives:,}",
        *(stacked(figure) for figure in (reached.sensitivity, reached.specificity, reached.ppv, reached.npv)),
        *(stacked(figure) for figure in point.precision),
    )


def _net_benefit(groups: list[Judged], name: str) -> Table:
    """Return the net benefit of acting above some threshold probabilities in every group, and on all its images."""
    rows = []
    for title, one, figures in groups:
        both = zip(figures.net_benefit, figures.treat_all, strict=True)
        cells = (f"{signed(net)}\non all {minus(fixed(everyone))}" for net, everyone in both)
        rows.append((title, percent(one.positives / one.images, 1), *cells))
    heads = (f"above {one:g}" for one in groups[0][2].thresholds)
    return Table(
        f"Net benefit of acting above a probability, below it that of acting on all; on none it is {fixed(0.0)}.",
        ("Group", f"Share of {name}", *heads),
        tuple(rows),
    )


def _calibration(caption: str, groups: list[tuple[str, Subgroup, GroupFigures, Reliability]]) -> Table:
    rows = []
    for title, one, _, judged in groups:
        error, *others = judged.measures.values()
        rows.append((title, f"{one.images:,}", *map(signed, (error, judged.by_chance, *others))))
    heads = ("ECE", "ECE by chance", "Brier score", "Intercept, 0 at best", "Slope, 1 at best")
    return Table(caption, ("Group", "Images", *heads), tuple(rows))


def _classes(groups: list[Judged]) -> Table:
    """Return recall, precision and F1 of each class in every group, and what its images are called."""
    columns = max((figures.called for _, _, figures in groups), key=len)
    rows = [row for title, _, figures in groups for row in _of_classes(title, figures, len(columns))]
    heads = (f"called {spaced(name)}" for name in columns)
    return Table(
        "Confusion matrix: a row per group and true class.",
        ("Group, class", "Images", *heads, "Recall", "Precision", "F1"),
        tuple(rows),
    )


def _of_classes(title: str, figures: GroupFigures, columns: int) -> Iterator[tuple[str, ...]]:
    """Give a row a class, last the means; a group without an undecided image has no count of them."""
    missing = [0] * (columns - len(figures.called))
    for one, counts in zip(figures.by_class, figures.counts, strict=True):
        numbers = (f"{count:,}" for count in (one.images, *counts, *missing))
        yield f"{title}\n{spaced(one.name)}", *numbers, *map(stacked, (one.recall, one.precision, one.f1))
    called = [sum(column) for column in zip(*figures.counts, strict=True)]
    numbers = (f"{count:,}" for count in (sum(called), *called, *missing))
    means = map(stacked, (figures.mean_recall, figures.mean_precision, figures.mean_f1))
    yield f"{title}\nmean", *numbers, *means
