import numpy as np
import pytest
from sklearn import metrics as reference

from attnmel.errors import PredictionsError
from attnmel.evaluation.classification.curves import precision_recall_curve, roc_curve
from attnmel.records import Predictions


@pytest.fixture
def predictions() -> Predictions:
    chance = np.random.default_rng(0)
    labels = np.repeat([1, 0], [20, 60])
    share = (chance.random(80) * 0.6 + 0.3 * labels).round(1)
    names = tuple(str(number) for number in range(80))
    return Predictions(names, ("rest", "melanoma"), np.stack([1 - share, share], axis=1), labels, names)


def test_the_roc_curve_is_scikit_learns(predictions: Predictions) -> None:
    curve = roc_curve(predictions, "melanoma")
    scores = predictions.probability("melanoma")
    false, true, _ = reference.roc_curve(predictions.labels, scores, drop_intermediate=False)
    assert curve.false_positive_rate == pytest.approx(false)
    assert curve.true_positive_rate == pytest.approx(true)
    assert curve.auc == pytest.approx(reference.roc_auc_score(predictions.labels, scores))
    assert np.trapezoid(curve.true_positive_rate, curve.false_positive_rate) == pytest.approx(curve.auc)


def test_the_precision_recall_curve_is_scikit_learns(predictions: Predictions) -> None:
    curve = precision_recall_curve(predictions, "melanoma")
    scores = predictions.probability("melanoma")
    precision, recall, _ = reference.precision_recall_curve(predictions.labels, scores)
    assert curve.recall[1:] == pytest.approx(recall[-2::-1])
    assert curve.precision[1:] == pytest.approx(precision[-2::-1])
    assert curve.prevalence == 0.25


def test_the_area_below_the_steps_is_the_average_precision(predictions: Predictions) -> None:
    curve = precision_recall_curve(predictions, "melanoma")
    steps = np.diff(curve.recall) * curve.precision[1:]
    assert steps.sum() == pytest.approx(curve.average_precision)
    assert (curve.recall[0], curve.recall[-1]) == (0, 1)


def test_curves_of_one_class_alone_are_refused() -> None:
    alone = Predictions(("a",), ("rest", "melanoma"), np.array([[0.5, 0.5]]), np.array([0]), ("a",))
    with pytest.raises(PredictionsError, match="0 of 1 images are melanoma"):
        roc_curve(alone, "melanoma")
