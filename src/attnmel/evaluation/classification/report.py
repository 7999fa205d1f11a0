"""Predictions -> every measure with its interval: what `evaluate` writes and the report shows."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from attnmel.errors import PredictionsError
from attnmel.evaluation.classification.metric_set import ALL_CLASSES, MEAN, RECALL, MetricSet, class_counts, mixed
from attnmel.evaluation.classification.ranking import MEASURES, Measure
from attnmel.evaluation.statistics.bootstrap import (
    RESAMPLES,
    ROUNDING,
    Interval,
    Sampling,
    bca_interval,
    bootstrap,
    jackknife,
    logit_interval,
    percentile_interval,
)
from attnmel.evaluation.statistics.delong import areas
from attnmel.evaluation.statistics.proportions import mean_interval_of, share_interval
from attnmel.records import Predictions

__all__ = [
    "ALL_CLASSES",
    "MEAN",
    "ClassificationReport",
    "MetricRow",
    "MetricSet",
    "evaluate_classification",
    "main_value",
]

METHODS = ("delong", "wilson", "logit")
"""A row's interval is by the first of these that its measure has: the measured coverage of these is nearest to 95 %
(docs/validation.md). Percentile and BCa intervals stand beside it."""

Special = dict[tuple[str, str], tuple[str, Interval]]
"""Method and interval by task and measure."""

FEW = 10
"""With fewer images on a side, no coverage was measured."""


@dataclass(frozen=True)
class MetricRow:
    """One measure of one task with its 95 % interval."""

    task: str
    """The class that is judged against the rest, or `MEAN`, or `ALL_CLASSES`."""
    measure: str
    value: float
    low: float
    high: float
    positives: int | None
    """Images of the class; None for a task of several classes."""
    images: int
    method: str = "percentile"
    """How `low` and `high` were made."""
    intervals: dict[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    """Ends by every method that the measure has, `method` among them."""


@dataclass(frozen=True)
class ClassificationReport:
    """Every measure of one predictions record, and how the intervals were made."""

    rows: tuple[MetricRow, ...]
    counts: dict[str, int]
    """Images of each class."""
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
        plain = dataclasses.asdict(self)
        plain["rows"] = [_defined(row) for row in plain["rows"]]
        plain["notes"] = list(self.notes)
        return plain

    @staticmethod
    def from_dict(plain: dict[str, Any]) -> "ClassificationReport":
        """Read what `to_dict` gave."""
        rows = tuple(MetricRow(**_read(row)) for row in plain["rows"])
        return ClassificationReport(**plain | {"rows": rows, "notes": tuple(plain["notes"])})


def evaluate_classification(
    predictions: Predictions,
    positives: Sequence[str],
    *,
    measures: Mapping[str, Measure] = MEASURES,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> ClassificationReport:
    """Measure each positive class against the rest, with 95 % intervals.

    Rows stand by task, then by measure; two or more positives add the mean of their AUCs, three or more classes their
    balanced accuracy and each class's recall. All measures share the resamples, which are stratified by class and drawn
    by lesion or patient.

    Raises:
        PredictionsError: an unlabelled image, a probability that is not finite, a class that is not predicted, or one
            with all images or none.
        ConfigError: fewer than one resample.
    """
    panel = MetricSet.of(predictions, positives, measures)
    sampling = Sampling.of(predictions.groups, predictions.labels)
    draws = bootstrap(panel, sampling, resamples=resamples, seed=seed)
    left_out = jackknife(panel, sampling)
    counts = class_counts(predictions)
    images = len(predictions.image_ids)
    values = panel.values()
    special = _area_intervals(predictions, positives) | _share_intervals(predictions, values, left_out.error)
    rows = []
    for column, ((task, measure), value) in enumerate(values.items()):
        found = {
            "percentile": percentile_interval(value, draws[:, column]),
            "bca": bca_interval(value, draws[:, column], float(left_out.acceleration[column])),
            "logit": logit_interval(value, float(left_out.error[column]) ** 2),
        }
        method, own = special.get((task, measure), ("", Interval(math.nan, math.nan, math.nan)))
        # A measure of another name's meaning, given by the caller, is not what the special interval is of.
        if math.isclose(own.value, value, abs_tol=ROUNDING):
            found[method] = own
        method = _method(found)
        ends = {name: (_or_nan(interval.low), _or_nan(interval.high)) for name, interval in found.items()}
        rows.append(MetricRow(task, measure, _or_nan(value), *ends[method], counts.get(task), images, method, ends))
    notes = (*_few_notes(counts, positives, images), *_still_notes(rows))
    return ClassificationReport(tuple(rows), counts, images, sampling.units, resamples, seed, notes)


def main_value(predictions: Predictions, positives: Sequence[str], measure: str) -> float:
    """Return the one figure that chooses the best epoch, without an interval.

    Balanced accuracy of three or more classes is their mean recall; any other measure is averaged over the positives.

    Raises:
        PredictionsError: as `evaluate_classification`.
    """
    values = MetricSet.of(predictions, positives).values()
    if measure == "balanced_accuracy" and (ALL_CLASSES, measure) in values:
        return values[ALL_CLASSES, measure]
    return float(np.mean([values[name, measure] for name in positives]))


def _method(found: Mapping[str, Interval]) -> str:
    """Name the interval of a row; percentile where a figure outside [0, 1] has no logit."""
    method = next(name for name in METHODS if name in found)
    return method if 0 <= found[method].value <= 1 else "percentile"


def _area_intervals(predictions: Predictions, positives: Sequence[str]) -> Special:
    """Return DeLong's interval of each AUC."""
    found: Special = {}
    for name in positives:
        scores = predictions.probability(name)[:, None]
        found[name, "auc"] = "delong", areas(predictions.is_class(name), scores, predictions.groups).interval()
    return found


def _share_intervals(
    predictions: Predictions, values: Mapping[tuple[str, str], float], errors: Float[np.ndarray, " M"]
) -> Special:
    """Return Wilson's interval of each sensitivity, specificity and recall, and of the means of them."""
    found: Special = {}
    means: dict[str, list[Interval]] = {}
    for (task, measure), error in zip(values, errors.tolist(), strict=True):
        among = _among(predictions, task, measure)
        if among is not None:
            own = share_interval(values[task, measure], error, predictions.groups, among)
            found[task, measure] = "wilson", own
            means.setdefault(task, []).append(own)
    if not mixed(predictions):
        found |= {(task, "balanced_accuracy"): ("wilson", mean_interval_of(shares)) for task, shares in means.items()}
    return found


def _among(predictions: Predictions, task: str, measure: str) -> Bool[np.ndarray, " N"] | None:
    """Return the images of which a measure is a share; None where it is none."""
    if task == ALL_CLASSES and measure.startswith(RECALL):
        return predictions.is_class(measure.removeprefix(RECALL))
    if task in predictions.classes and measure in ("sensitivity", "specificity"):
        return predictions.is_class(task) == (measure == "sensitivity")
    return None


def _few_notes(counts: dict[str, int], positives: Sequence[str], images: int) -> list[str]:
    return [
        f"{name}: {counts[name]} images against {images - counts[name]}; with fewer than {FEW} on a side "
        "the intervals are not to be trusted"
        for name in positives
        if min(counts[name], images - counts[name]) < FEW
    ]


def _still_notes(rows: Sequence[MetricRow]) -> list[str]:
    return [
        f"{row.task}: {row.measure} is {row.value:g}{_why(*row.intervals['percentile'])}; how uncertain that is cannot "
        "be shown"
        for row in rows
        if math.isnan(row.low)
    ]


def _why(low: float, high: float) -> str:
    """Say why a figure has no interval, by the ends over its resamples."""
    return " of a single lesion or patient of one kind" if low < high else ", whichever images are drawn"


def _defined(row: dict[str, Any]) -> dict[str, Any]:
    """Return plain values in which None stands for NaN."""
    ends = {name: [_or_none(end) for end in pair] for name, pair in row["intervals"].items()}
    return {key: _or_none(value) for key, value in row.items()} | {"intervals": ends}


def _read(row: dict[str, Any]) -> dict[str, Any]:
    """Undo `_defined`; rows of an earlier version hold the percentile interval alone."""
    ends = {name: tuple(map(_or_nan, pair)) for name, pair in row.get("intervals", {}).items()}
    return row | {end: _or_nan(row[end]) for end in ("value", "low", "high")} | {"intervals": ends}


def _or_none(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value


def _or_nan(value: float | None) -> float:
    """Return the one NaN for every NaN and None: then judgements with the same gaps are equal."""
    return math.nan if value is None or math.isnan(value) else value
