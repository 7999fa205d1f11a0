"""The official measures of one class against the rest, as functions of counts.

Counts come from weights, which are resamples, sample weights, or both.

Shapes: R resamples (rows of weights), T distinct scores.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from attnmel.evaluation.challenge.rules import CHALLENGES, OFFICIAL, Rules
from attnmel.evaluation.classification.choose_threshold import LEAST, specificity_at
from attnmel.evaluation.classification.ranking import THRESHOLD, Counts, Measure, Values, average_precision, roc_auc
from attnmel.evaluation.statistics.proportions import share

SENSITIVITIES = (82, 89, 95, 98, 99)
"""Per cent at which a challenge read the specificity."""

READ_OFF = (*(f"specificity_at_sensitivity_{percent}" for percent in SENSITIVITIES), "auc_above_sensitivity_80")
"""Measures that read the ROC curve at one point. Like a quantile they move in jumps, for which the jackknife's error is
wrong (Efron and Tibshirani 1993, section 11.6): intervals made with it hold the true value in 76 to 87 % of samples,
the percentile interval in 90 to 97 % (benchmarks/statistics/official_coverage.py)."""

UNDEFINED = {"one": 1.0, "nan": np.nan, "zero": 0.0}


class ConfusionCounts(NamedTuple):
    """Weights of the images called rightly and wrongly, one of each a resample (or a mask)."""

    true_positives: Values
    false_positives: Values
    false_negatives: Values
    true_negatives: Values


Ratio = Callable[[ConfusionCounts], tuple[Values, Values]]

RATIOS: dict[str, Ratio] = {
    "accuracy": lambda c: (c.true_positives + c.true_negatives, c.true_positives + c.true_negatives + _wrong(c)),
    "sensitivity": lambda c: (c.true_positives, c.true_positives + c.false_negatives),
    "specificity": lambda c: (c.true_negatives, c.true_negatives + c.false_positives),
    "f1": lambda c: (2 * c.true_positives, 2 * c.true_positives + _wrong(c)),
    "ppv": lambda c: (c.true_positives, c.true_positives + c.false_positives),
    "npv": lambda c: (c.true_negatives, c.true_negatives + c.false_negatives),
    "jaccard": lambda c: (c.true_positives, c.true_positives + _wrong(c)),
}
"""Part and whole of every ratio; Dice is F1 of pixels, Jaccard the overlap of two sets."""


def ratio(name: str, confusion: ConfusionCounts, rules: Rules) -> Values:
    """Return a ratio of `RATIOS`, in [0, 1]; where the whole is 0, what the rule `undefined` says."""
    part, whole = RATIOS[name](confusion)
    return np.divide(part, whole, out=np.full(np.shape(part), UNDEFINED[rules.undefined]), where=whole != 0)


def confusion_counts(counts: Counts, rules: Rules) -> ConfusionCounts:
    """Call images positive from one half on, by the rule `threshold` with or without one half itself."""
    true, false = counts.above(THRESHOLD if rules.threshold == "above" else np.nextafter(THRESHOLD, 0))
    return ConfusionCounts(true, false, counts.positives - true, counts.negatives - false)


def trapezoid_average_precision(counts: Counts) -> Values:
    """Area under the precision-recall curve by trapezoids, from recall 0 with precision 1; NaN without a positive.

    What scikit-learn called average precision before 0.19. Straight lines between the points are too optimistic (Davis
    and Goadrich 2006).
    """
    true = counts.true_positives
    called = true + counts.false_positives
    precision = np.divide(true, called, out=np.ones_like(true), where=called > 0)
    precision = np.concatenate([np.ones((len(true), 1)), precision], axis=1)
    gained = np.diff(true, axis=1, prepend=0)
    area = (gained * (precision[:, 1:] + precision[:, :-1])).sum(axis=1) / 2
    return share(area, counts.positives)


def auc_above(counts: Counts, sensitivity: float) -> Values:
    """Area under the part of the ROC curve whose sensitivity is at least this high, down to the axis; in [0, 1].

    The curve is entered at exactly this sensitivity, on the straight line between the two points around it. Neither
    normalised nor corrected (McClish 1989). NaN without a positive or a negative.
    """
    true, false = _rates(counts)
    first = np.argmax(true >= sensitivity, axis=1)[:, None]
    below = np.maximum(first - 1, 0)
    low, high = (np.take_along_axis(true, place, axis=1)[:, 0] for place in (below, first))
    left, right = (np.take_along_axis(false, place, axis=1)[:, 0] for place in (below, first))
    # Without a positive every rate is NaN, and so is all that follows.
    entered = left + (right - left) * share(sensitivity - low, high - low)
    strips = np.diff(false, axis=1) * (true[:, 1:] + true[:, :-1]) / 2
    beyond = np.where(np.arange(strips.shape[1]) >= first, strips, 0).sum(axis=1)
    return (right - entered) * (sensitivity + high) / 2 + beyond


def every_measure(rules: Rules) -> dict[str, Measure]:
    """Return every official measure of one class against the rest by name, under the rules."""
    measures: dict[str, Measure] = {name: _ratio_measure(name, rules) for name in RATIOS}
    measures["auc"] = roc_auc
    measures["ap"] = average_precision if rules.ap == "step" else trapezoid_average_precision
    measures["auc_above_sensitivity_80"] = lambda counts: auc_above(counts, LEAST)
    measures |= {f"specificity_at_sensitivity_{percent}": _specificity_measure(percent) for percent in SENSITIVITIES}
    return measures


def official_measures(dataset: str, rules: Rules | None = None) -> dict[str, Measure]:
    """Return the measures that a data set's challenge took of each class, in its order; without rules by its own.

    Empty for a data set that was never a challenge, or one of masks.
    """
    if dataset not in CHALLENGES or not CHALLENGES[dataset].categories:
        return {}
    every = every_measure(OFFICIAL[dataset] if rules is None else rules)
    return {name: every[name] for name in CHALLENGES[dataset].measures if name in every}


def _ratio_measure(name: str, rules: Rules) -> Measure:
    return lambda counts: ratio(name, confusion_counts(counts, rules), rules)


def _specificity_measure(percent: int) -> Measure:
    return lambda counts: specificity_at(counts, percent / 100)


def _wrong(confusion: ConfusionCounts) -> Values:
    return confusion.false_positives + confusion.false_negatives


def _rates(counts: Counts) -> tuple[Float[np.ndarray, "R P"], Float[np.ndarray, "R P"]]:
    """Return true and false positive rates from (0, 0) on; NaN where one kind is missing."""
    true, false = (np.pad(one, ((0, 0), (1, 0))) for one in (counts.true_positives, counts.false_positives))
    defined = (counts.positives > 0) & (counts.negatives > 0)
    positives, negatives = (np.where(defined, many, np.nan)[:, None] for many in (counts.positives, counts.negatives))
    return true / positives, false / negatives
