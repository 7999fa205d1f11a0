"""Empirical ROC curves of readers, and their average."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from attnmel.evaluation.classification.curves import RocCurve
from attnmel.evaluation.classification.ranking import Ranking, roc_auc


def reader_curve(diseased: Bool[np.ndarray, " N"], scores: Float[np.ndarray, " N"]) -> RocCurve:
    """Return the empirical curve of one reader; NaN marks cases that were not read.

    Raises:
        PredictionsError: nothing was read.
    """
    read = ~np.isnan(scores)
    counts = Ranking.of(diseased[read], scores[read]).counts()
    false = np.append(0.0, counts.false_positives[0] / counts.negatives[0])
    true = np.append(0.0, counts.true_positives[0] / counts.positives[0])
    return RocCurve(false, true, float(roc_auc(counts)[0]))


def average_curve(curves: Sequence[RocCurve]) -> RocCurve:
    """Return the mean sensitivity of the curves at each false positive rate; its area is the mean of their areas.

    Vertical averaging (Chen and Samuelson 2014). Where a curve rises straight up, both ends of the rise are kept.
    """
    rates = np.unique(np.concatenate([curve.false_positive_rate for curve in curves]))
    ends = [_ends(curve, rates) for curve in curves]
    low, high = np.mean([low for low, _ in ends], axis=0), np.mean([high for _, high in ends], axis=0)
    area = float(np.mean([curve.auc for curve in curves]))
    return RocCurve(np.repeat(rates, 2), np.stack([low, high], axis=1).ravel(), area)


def _ends(curve: RocCurve, rates: Float[np.ndarray, " P"]) -> tuple[Float[np.ndarray, " P"], Float[np.ndarray, " P"]]:
    """Return the lowest and the highest sensitivity of a curve at each false positive rate."""
    false, true = curve.false_positive_rate, curve.true_positive_rate
    first, last = np.searchsorted(false, rates, "left"), np.searchsorted(false, rates, "right") - 1
    between = np.interp(rates, false, true)
    exact = false[np.minimum(first, len(false) - 1)] == rates
    return np.where(exact, true[np.minimum(first, len(true) - 1)], between), np.where(exact, true[last], between)
