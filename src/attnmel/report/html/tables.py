"""Judgements to the rows, words and key figures of the page. Rounds and names; measures nothing."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from attnmel.errors import counted
from attnmel.evaluation.classification.metric_intervals import MetricRow
from attnmel.evaluation.classification.metric_set import ALL_CLASSES, MEAN, RECALL
from attnmel.evaluation.classification.report import ClassificationReport
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.evaluation.thesis.published import PublishedRow

PUBLISHED_SPLIT = "test"
"""The published rows are of the official test images; with another split they would mislead."""

MEASURE_WORDS: Mapping[str, tuple[str, str]] = {
    "auc": ("AUC", "area under the ROC curve"),
    "ap": ("Average precision", "step sum"),
    "sensitivity": ("Sensitivity", "at 0.5"),
    "specificity": ("Specificity", "at 0.5"),
    "balanced_accuracy": ("Balanced accuracy", "mean recall"),
}
"""Name and explanation of each measure; one that is not listed goes by its own name."""

METHOD_WORDS: Mapping[str, str] = {
    "delong": "DeLong's",
    "wilson": "Wilson's score interval",
    "logit": "jackknife on the logit scale",
    "percentile": "percentile bootstrap",
    "bca": "bias-corrected and accelerated bootstrap",
}

MAP_WORDS: Mapping[str, str] = {"pool3": "pool-3", "pool4": "pool-4", "pool5": "pool-5", "cam": "class activation map"}
COMPARED = ("auc", "ap", "sensitivity", "specificity", "balanced_accuracy")


@dataclass(frozen=True)
class Line:
    """One measure: its name, its interval, and what was published."""

    name: str
    explanation: str
    interval: Interval
    published: float | None = None


@dataclass(frozen=True)
class Block:
    """The measures of one task on one split."""

    title: str
    subtitle: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class KeyFigure:
    """What a reader wants first: one number, its interval, one sentence in whole lesions."""

    name: str
    interval: Interval
    sentence: str


def spaced(name: str) -> str:
    """Return a class name as a reader writes it."""
    return name.replace("_", " ")


def blocks(
    judgements: Mapping[str, ClassificationReport],
    main: str,
    published: PublishedRow | None,
    known: Mapping[str, int] | None = None,
) -> tuple[Block, ...]:
    """Return one block a split and task, in the order given; published values only for the main task.

    `known`: how many images of a split are known from training, where there are any.
    """
    found = []
    for split, judgement in judgements.items():
        for task in dict.fromkeys(row.task for row in judgement.rows):
            shown = published if split == PUBLISHED_SPLIT else None
            rows = [row for row in judgement.rows if row.task == task]
            lines = tuple(_line(row, _published(row, main, shown)) for row in rows)
            leaked = f", {known[split]:,} known from training *" if known and known.get(split) else ""
            found.append(Block(f"{task_words(task)}, {split}", f"{_images(rows[0])}{leaked}", lines))
    return tuple(found)


def key_figures(judgement: ClassificationReport, main: str) -> tuple[KeyFigure, ...]:
    """Return AUC, sensitivity and specificity of the main task, the latter two also in whole lesions."""
    auc, found, cleared = (judgement.row(main, name) for name in ("auc", "sensitivity", "specificity"))
    positives = judgement.counts[main]
    others = judgement.images - positives
    name = spaced(main)
    return (
        KeyFigure("AUC", auc.interval, f"chance that a {name} is ranked above another lesion"),
        KeyFigure("Sensitivity", found.interval, f"{_whole(found, positives)} of {positives:,} {name} images found"),
        KeyFigure(
            "Specificity", cleared.interval, f"{_whole(cleared, others)} of {others:,} other images rightly cleared"
        ),
    )


def task_words(task: str) -> str:
    """Return what is evaluated, in words."""
    special = {MEAN: "Mean of the tasks", ALL_CLASSES: "All classes"}
    name = spaced(task)
    return special.get(task, f"{name[:1].upper()}{name[1:]} against the rest")  # MEL stays MEL


def measure_words(row: MetricRow) -> tuple[str, str]:
    """Return name and explanation of a row's measure."""
    if row.measure.startswith(RECALL):
        return f"Recall of {spaced(row.measure.removeprefix(RECALL))}", "by the highest probability"
    name, explanation = MEASURE_WORDS.get(row.measure, (spaced(row.measure), ""))
    return name, f"{explanation}, by the highest probability" if row.task == ALL_CLASSES else explanation


def interval_method_words(judgement: ClassificationReport) -> str:
    """Return which measures have which interval, in words."""
    measures: dict[str, list[str]] = {}
    for row in judgement.rows:
        name = "recalls" if row.measure.startswith(RECALL) else measure_words(row)[0]
        if row.task == MEAN:
            name = f"the mean {name}"
        shown = measures.setdefault(row.method, [])
        if name not in shown:
            shown.append(name)
    return "; ".join(f"{METHOD_WORDS[method]} for {', '.join(names)}" for method, names in measures.items())


def overlap_lines(overlaps: Mapping[str, Interval], published: PublishedRow | None) -> tuple[Line, ...]:
    """Return one line an attention map: its mean Jaccard index with the lesion masks."""
    known = (published.overlap if published else None) or {}
    return tuple(Line(map_words(name), "", interval, known.get(name)) for name, interval in overlaps.items())


def map_words(name: str) -> str:
    """Return the name of an attention map as the slides write it."""
    return MAP_WORDS.get(name, name)


def compared_lines(
    judgement: ClassificationReport,
    main: str,
    published: PublishedRow | None,
    overlaps: Mapping[str, Interval],
    every_map: Sequence[str],
) -> tuple[Line, ...]:
    """Return one run's line of the table that sets runs side by side: its main task, then every run's maps."""
    rows = [judgement.row(main, measure) for measure in COMPARED]
    nothing = Interval(math.nan, math.nan, math.nan)
    maps = overlap_lines({name: overlaps.get(name, nothing) for name in every_map}, published)
    return tuple(_line(row, _published(row, main, published)) for row in rows) + tuple(
        replace(line, name=f"Jaccard, {line.name}") for line in maps
    )


def css_percent(value: float) -> str:
    """Return a position on a strip from 0 to 1 as CSS."""
    return f"{100 * min(max(value, 0.0), 1.0):.2f}%"


def _line(row: MetricRow, published: float | None) -> Line:
    name, explanation = measure_words(row)
    return Line(name, explanation, row.interval, published)


def _published(row: MetricRow, main: str, published: PublishedRow | None) -> float | None:
    return published.value(row.task, row.measure, main=main) if published else None


def _images(row: MetricRow) -> str:
    known = "" if row.positives is None else f", {row.positives:,} {spaced(row.task)}"
    return f"{counted(row.images, 'image')}{known}"


def _whole(row: MetricRow, of: int) -> str:
    return "no" if math.isnan(row.value) else f"{round(row.value * of):,}"
