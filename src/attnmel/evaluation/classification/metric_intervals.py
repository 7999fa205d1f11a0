"""A set of metrics on some images -> a row per metric, with its intervals by every method that applies.

Shapes: N images, M metrics.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int

from attnmel.evaluation.classification.metric_set import ALL_CLASSES, RECALL, MetricSet, mixed
from attnmel.evaluation.classification.ranking import THRESHOLD
from attnmel.evaluation.statistics.bootstrap import (
    RESAMPLES,
    ROUNDING,
    Interval,
    bca_interval,
    bootstrap,
    jackknife_of,
    logit_interval,
    percentile_interval,
    without_width,
)
from attnmel.evaluation.statistics.delong import areas
from attnmel.evaluation.statistics.proportions import mean_interval_of, share_interval
from attnmel.evaluation.statistics.sampling import Sampling

METHODS = ("delong", "wilson", "logit")
"""The interval of a row is by the first of these that its measure has: their measured coverage is nearest to 95 %
(docs/reference/evaluation.md). Percentile and BCa intervals are stored too."""

Exact = dict[tuple[str, str], tuple[str, Interval]]
"""Method and interval by task and measure."""


@dataclass(frozen=True)
class MetricRow:
    """One measure of one task with its 95 % interval."""

    task: str
    """The class that is measured against the rest, or `MEAN`, or `ALL_CLASSES`, or `MASKS`."""
    measure: str
    value: float
    low: float
    high: float
    positives: int | None = None
    """Images of the class; None for a task of several classes."""
    images: int = 0
    """0 in a challenge's measures that an earlier version stored."""
    method: str = "percentile"
    """How `low` and `high` were made."""
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Ends by every method that the measure has, `method` among them."""

    @property
    def interval(self) -> Interval:
        """The value with its ends."""
        return Interval(self.value, self.low, self.high)


def metric_rows(
    metrics: MetricSet,
    groups: Sequence[str],
    labels: Int[np.ndarray, " N"],
    *,
    percentile_only: Collection[str] = (),
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[MetricRow, ...]:
    """Return every metric with percentile, BCa and logit intervals, DeLong's of an AUC and Wilson's of a proportion.

    All metrics share the resamples, which are stratified by class and drawn by group. The jackknife does not hold for
    the measures in `percentile_only`, which have no interval where no resample differs.

    Raises:
        ConfigError: fewer than one resample.
    """
    sampling = Sampling.of(groups, labels)
    draws = bootstrap(metrics, sampling, resamples=resamples, seed=seed)
    left_out = jackknife_of(metrics.without(sampling), sampling)
    values = metrics.values()
    exact = _exact_intervals(metrics, values, left_out.error, groups, labels, sampling)
    rows = []
    for column, ((task, measure), value) in enumerate(values.items()):
        found = {"percentile": percentile_interval(value, draws[:, column])}
        if measure not in percentile_only:
            found["bca"] = bca_interval(value, draws[:, column], float(left_out.acceleration[column]))
            found["logit"] = logit_interval(value, float(left_out.error[column]) ** 2)
        else:
            found["percentile"] = without_width(found["percentile"])
        found |= _of_same_value(exact, task, measure, value)
        method = _method(found)
        ends = {name: (_or_nan(interval.low), _or_nan(interval.high)) for name, interval in found.items()}
        positives = int(metrics.rankings[task].positive.sum()) if task in metrics.rankings else None
        rows.append(MetricRow(task, measure, _or_nan(value), *ends[method], positives, len(labels), method, ends))
    return tuple(rows)


def shown_intervals(
    metrics: MetricSet, groups: Sequence[str], labels: Int[np.ndarray, " N"]
) -> dict[tuple[str, str], tuple[str, Interval]]:
    """Return method and interval of every metric as `metric_rows` shows it, without any resample.

    Only of metrics between 0 and 1 that the jackknife holds for, as all of `MEASURES`.
    """
    sampling = Sampling.of(groups, labels)
    errors = jackknife_of(metrics.without(sampling), sampling).error
    values = metrics.values()
    exact = _exact_intervals(metrics, values, errors, groups, labels, sampling)
    shown = {}
    for ((task, measure), value), error in zip(values.items(), errors.tolist(), strict=True):
        found = {"logit": logit_interval(value, error**2)} | _of_same_value(exact, task, measure, value)
        method = _method(found)
        shown[task, measure] = method, found[method]
    return shown


def _of_same_value(exact: Exact, task: str, measure: str, value: float) -> dict[str, Interval]:
    """Return the exact interval of a metric, if any; a caller's may have a known name and another meaning."""
    method, own = exact.get((task, measure), ("", Interval(math.nan, math.nan, math.nan)))
    return {method: own} if math.isclose(own.value, value, abs_tol=ROUNDING) else {}


def _or_nan(value: float) -> float:
    """Return the one NaN for every NaN, so that reports with the same gaps are equal."""
    return math.nan if math.isnan(value) else value


def _method(found: Mapping[str, Interval]) -> str:
    """Return the method of a row's interval; percentile where a value outside [0, 1] has no logit."""
    method = next((name for name in METHODS if name in found), "percentile")
    return method if 0 <= found[method].value <= 1 else "percentile"


def _exact_intervals(
    metrics: MetricSet,
    values: Mapping[tuple[str, str], float],
    errors: Float[np.ndarray, " M"],
    groups: Sequence[str],
    labels: Int[np.ndarray, " N"],
    sampling: Sampling,
) -> Exact:
    """Return DeLong's interval of each AUC, Wilson's of each proportion, and that of balanced accuracy from the latter.

    Only of images that all have the same weight. Balanced accuracy is a mean of independent proportions where no group
    has images of several classes.
    """
    found: Exact = {}
    if metrics.sample_weights is not None and np.ptp(metrics.sample_weights) > 0:
        return found
    recalls: dict[str, list[Interval]] = {}
    for (task, measure), error in zip(values, errors.tolist(), strict=True):
        positive, scores = metrics.rankings[task].by_image() if task in metrics.rankings else (None, None)
        if measure == "auc" and positive is not None and scores is not None and 0 < positive.sum() < len(positive):
            found[task, measure] = "delong", areas(positive, scores[:, None], groups).interval()
        if task == ALL_CLASSES:
            among = _recall_images(metrics, labels, measure)
        else:
            among = _images(positive, scores, measure, half_is_positive=metrics.half_is_positive)
        if among is not None and among.any():
            own = share_interval(values[task, measure], error, sampling.among(among))
            found[task, measure] = "wilson", own
            if measure in ("sensitivity", "specificity") or task == ALL_CLASSES:
                recalls.setdefault(task, []).append(own)
    if not mixed(groups, labels):
        found |= {(task, "balanced_accuracy"): ("wilson", mean_interval_of(ones)) for task, ones in recalls.items()}
    return found


def _images(
    positive: Bool[np.ndarray, " N"] | None,
    scores: Float[np.ndarray, " N"] | None,
    measure: str,
    *,
    half_is_positive: bool,
) -> Bool[np.ndarray, " N"] | None:
    """Return the images of which a measure of one class against the rest is a proportion; None where it is none."""
    if positive is None or scores is None:
        return None
    called = scores >= THRESHOLD if half_is_positive else scores > THRESHOLD
    wholes = {"sensitivity": positive, "specificity": ~positive, "accuracy": np.ones_like(positive)}
    return (wholes | {"ppv": called, "npv": ~called}).get(measure)


def _recall_images(metrics: MetricSet, labels: Int[np.ndarray, " N"], measure: str) -> Bool[np.ndarray, " N"] | None:
    """Return the images of the class whose recall a measure is; None of another measure."""
    if not measure.startswith(RECALL):
        return None
    return labels == np.unique(labels)[metrics.classes.index(measure.removeprefix(RECALL))]
