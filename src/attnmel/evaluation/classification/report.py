"""Predictions -> every measure with its interval: what `evaluate` writes and the report shows."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from attnmel.errors import PredictionsError
from attnmel.evaluation.classification.metric_intervals import MetricRow, metric_rows
from attnmel.evaluation.classification.metric_set import ALL_CLASSES, MetricSet, class_counts
from attnmel.evaluation.classification.ranking import MEASURES, Measure
from attnmel.evaluation.statistics.bootstrap import RESAMPLES
from attnmel.files.table_files import nan_to_null, null_to_nan
from attnmel.records import Predictions

FEW = 10
"""With fewer images on a side, no coverage was measured."""


@dataclass(frozen=True)
class ClassificationReport:
    """Every measure of some images, and how the intervals were made."""

    rows: tuple[MetricRow, ...]
    counts: dict[str, int]
    """Images of each class; empty for masks."""
    images: int
    units: int
    """Lesions or patients that were resampled; as many as images where no group repeats."""
    resamples: int
    seed: int
    notes: tuple[str, ...] = ()
    """What a reader of the intervals must know, a sentence each."""

    def row(self, task: str, measure: str) -> MetricRow:
        """Return one row.

        Raises:
            PredictionsError: there is none; lists those there are.
        """
        for row in self.rows:
            if (row.task, row.measure) == (task, measure):
                return row
        known = ", ".join(f"{row.task}/{row.measure}" for row in self.rows)
        raise PredictionsError(f"no measure '{task}/{measure}'; known: {known}")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; an end that is not defined becomes null."""
        return nan_to_null(dataclasses.asdict(self))

    @staticmethod
    def from_dict(plain: dict[str, Any]) -> "ClassificationReport":
        """Read what `to_dict` gave."""
        rows = tuple(_read(row) for row in plain["rows"])
        return ClassificationReport(**plain | {"rows": rows, "notes": tuple(plain["notes"])})


def evaluate_classification(
    predictions: Predictions,
    positives: Sequence[str],
    *,
    measures: Mapping[str, Measure] = MEASURES,
    resamples: int = RESAMPLES,
    seed: int = 0,
    one_sided: bool = False,
) -> ClassificationReport:
    """Measure each positive class against the rest, with 95 % intervals.

    Rows are ordered by task, then by measure; two or more positives add the mean of their AUCs, three or more classes
    their balanced accuracy and each class's recall. Resamples are stratified by class and drawn by lesion or patient.
    If `one_sided`, all images may be of a positive class, or none: what is not defined then is NaN, and a note says so;
    so is an average precision of positives alone, which is 1 whatever is predicted.

    Raises:
        PredictionsError: an unlabelled image, a probability that is not finite, a class that is not predicted, or one
            with all images or none.
        ConfigError: fewer than one resample.
    """
    metrics = MetricSet.of(predictions, positives, measures, one_sided=one_sided)
    rows = metric_rows(metrics, predictions.groups, predictions.labels, resamples=resamples, seed=seed)
    rows = tuple(_emptied(row) if row.measure == "ap" and row.positives == row.images else row for row in rows)
    counts, images = class_counts(predictions), len(predictions.image_ids)
    notes = (*_one_sided_notes(rows, counts, images), *_few_notes(counts, positives, images), *_constant_notes(rows))
    return ClassificationReport(rows, counts, images, len(set(predictions.groups)), resamples, seed, notes)


def main_value(predictions: Predictions, positives: Sequence[str], measure: str) -> float:
    """Return the value by which the best epoch is chosen, without an interval.

    Balanced accuracy of three or more classes is their mean recall; any other measure is averaged over the positives.

    Raises:
        PredictionsError: as `evaluate_classification`.
    """
    values = MetricSet.of(predictions, positives).values()
    if measure == "balanced_accuracy" and (ALL_CLASSES, measure) in values:
        return values[ALL_CLASSES, measure]
    return float(np.mean([values[name, measure] for name in positives]))


def _emptied(row: MetricRow) -> MetricRow:
    """Return the row of a measure that says nothing of these images."""
    nothing = math.nan, math.nan
    return dataclasses.replace(
        row, value=math.nan, low=math.nan, high=math.nan, intervals=dict.fromkeys(row.intervals, nothing)
    )


def _few_notes(counts: dict[str, int], positives: Sequence[str], images: int) -> list[str]:
    return [
        f"{name}: {counts[name]} images against {images - counts[name]}; with fewer than {FEW} on a side "
        "the intervals are not to be trusted"
        for name in positives
        if 0 < min(counts[name], images - counts[name]) < FEW
    ]


def _one_sided_notes(rows: Sequence[MetricRow], counts: dict[str, int], images: int) -> list[str]:
    notes = []
    for task in dict.fromkeys(row.task for row in rows if counts.get(row.task) in (0, images)):
        undefined = [row.measure for row in rows if row.task == task and math.isnan(row.value)]
        kind = task if counts[task] else f"not {task}"
        notes.append(f"all {images} images are {kind}, so that {', '.join(undefined)} are not defined")
    return notes


def _constant_notes(rows: Sequence[MetricRow]) -> list[str]:
    return [
        f"{row.task}: {row.measure} is {row.value:g}{_why(*row.intervals['percentile'])}; how uncertain that is cannot "
        "be shown"
        for row in rows
        if math.isnan(row.low) and not math.isnan(row.value)
    ]


def _why(low: float, high: float) -> str:
    """Return why a value has no interval, by the ends over its resamples."""
    return " of a single lesion or patient of one kind" if low < high else ", whichever images are drawn"


def _read(plain: dict[str, Any]) -> MetricRow:
    """Return a row of `to_dict`; those of an earlier version hold the percentile interval alone."""
    row = null_to_nan(plain)
    ends = {name: tuple(pair) for name, pair in row.get("intervals", {}).items()}
    return MetricRow(**row | {"positives": plain.get("positives"), "intervals": ends})
