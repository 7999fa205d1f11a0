"""Predictions -> the points of ROC and precision-recall curves; figures only draw them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from attnmel.evaluation.classification.metric_set import MetricSet
from attnmel.evaluation.classification.ranking import Counts, average_precision, roc_auc
from attnmel.records import Predictions


@dataclass(frozen=True)
class RocCurve:
    """True against false positive rate as the threshold falls, from (0, 0) to (1, 1); straight lines between."""

    false_positive_rate: Float[np.ndarray, " P"]
    true_positive_rate: Float[np.ndarray, " P"]
    auc: float


@dataclass(frozen=True)
class PrecisionRecallCurve:
    """Precision against recall as the threshold falls, recall from 0 to 1.

    To be drawn as steps: `precision[i]` holds between `recall[i - 1]` and `recall[i]`, and the area below the steps is
    the average precision.
    """

    recall: Float[np.ndarray, " P"]
    precision: Float[np.ndarray, " P"]
    average_precision: float
    prevalence: float
    """Share of positives: the precision of a guess."""


def roc_curve(predictions: Predictions, name: str) -> RocCurve:
    """Return the ROC curve of one class against the rest.

    Raises:
        PredictionsError: as `evaluate_classification`.
    """
    counts = _counts(predictions, name)
    false = np.append(0.0, counts.false_positives[0] / counts.negatives[0])
    true = np.append(0.0, counts.true_positives[0] / counts.positives[0])
    return RocCurve(false, true, float(roc_auc(counts)[0]))


def precision_recall_curve(predictions: Predictions, name: str) -> PrecisionRecallCurve:
    """Return the precision-recall curve of one class against the rest.

    Raises:
        PredictionsError: as `evaluate_classification`.
    """
    counts = _counts(predictions, name)
    true, false = counts.true_positives[0], counts.false_positives[0]
    precision = true / (true + false)
    return PrecisionRecallCurve(
        recall=np.append(0.0, true / counts.positives[0]),
        precision=np.append(precision[0], precision),
        average_precision=float(average_precision(counts)[0]),
        prevalence=float(counts.positives[0] / len(predictions.image_ids)),
    )


def _counts(predictions: Predictions, name: str) -> Counts:
    return MetricSet.of(predictions, [name]).rankings[name].counts()
