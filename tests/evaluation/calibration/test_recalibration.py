import dataclasses
import math

import numpy as np
import pytest
from scipy.special import logit, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from attnmel.errors import PredictionsError
from attnmel.evaluation.calibration.recalibration import Recalibration, cross_fitted, fit_recalibration
from attnmel.evaluation.calibration.temperature import fit_temperature
from attnmel.records import Predictions

OFFSETS = {2: (0.9, -0.9), 4: (1.2, 0.3, -0.5, -1.0)}


def drawn(images: int, *, classes: int = 2, temperature: float = 1.0, seed: int = 0) -> Predictions:
    """Predict, and draw the classes by probabilities that have known offsets and a temperature."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 2, (images, classes))
    true = softmax((logits + OFFSETS[classes]) / temperature, axis=1)
    labels = np.minimum((generator.random((images, 1)) > true.cumsum(axis=1)).sum(axis=1), classes - 1)
    ids = tuple(f"ISIC_{number:07d}" for number in range(images))
    names = ("rest", "melanoma", "nevus", "keratosis")[:classes]
    return Predictions(ids, names, softmax(logits, axis=1), labels.astype(np.int64), ids)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("temperature", [0.6, 2.0])
def test_known_offsets_and_a_known_temperature_are_found_again(classes: int, temperature: float) -> None:
    fits = [fit_recalibration(drawn(1500, classes=classes, temperature=temperature, seed=s)) for s in range(12)]
    found = np.array([[*one.offsets, math.log(one.temperature)] for one in fits])
    error = found - [*(np.array(OFFSETS[classes]) - np.mean(OFFSETS[classes])), math.log(temperature)]
    assert (np.abs(error.mean(axis=0)) < 4 * error.std(axis=0, ddof=1) / math.sqrt(len(error))).all()
    assert (error.std(axis=0, ddof=1) < 0.3).all()


def test_of_two_classes_it_is_the_logistic_regression_of_scikit_learn() -> None:
    predictions = drawn(400, temperature=1.7)
    odds = logit(predictions.probability("melanoma"))
    reference = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000).fit(odds[:, None], predictions.labels)
    found = fit_recalibration(predictions)
    assert 1 / found.temperature == pytest.approx(reference.coef_[0, 0], rel=1e-5)
    shift = (found.offsets[1] - found.offsets[0]) / found.temperature
    assert shift == pytest.approx(reference.intercept_[0], rel=1e-5)
    np.testing.assert_allclose(
        found(predictions).probabilities, reference.predict_proba(odds[:, None]), rtol=1e-5, atol=1e-9
    )


def test_of_more_classes_no_other_offsets_or_temperature_have_a_lower_loss() -> None:
    predictions = drawn(300, classes=4, temperature=1.4)
    found = fit_recalibration(predictions)
    least = log_loss(predictions.labels, found(predictions).probabilities)
    for place in range(4):
        for step in (-0.02, 0.02):
            offsets = np.array(found.offsets)
            offsets[place] += step
            other = Recalibration(tuple(offsets), found.temperature)
            assert log_loss(predictions.labels, other(predictions).probabilities) > least
    for factor in (0.98, 1.02):
        other = Recalibration(found.offsets, found.temperature * factor)
        assert log_loss(predictions.labels, other(predictions).probabilities) > least


@pytest.mark.parametrize("classes", [2, 4])
def test_afterwards_each_class_is_predicted_as_often_as_it_is(classes: int) -> None:
    predictions = drawn(300, classes=classes, temperature=1.4)
    again = fit_recalibration(predictions)(predictions)
    shares = np.bincount(predictions.labels, minlength=classes) / 300
    np.testing.assert_allclose(again.probabilities.mean(axis=0), shares, atol=1e-6)
    assert math.isclose(sum(fit_recalibration(predictions).offsets), 0, abs_tol=1e-12)


def test_of_two_classes_the_order_of_the_images_stays() -> None:
    predictions = drawn(300, temperature=1.4)
    again = fit_recalibration(predictions)(predictions)
    areas = [roc_auc_score(one.is_class("melanoma"), one.probability("melanoma")) for one in (predictions, again)]
    assert areas[0] == areas[1]


def test_offsets_that_are_applied_leave_the_temperature_to_be_fitted() -> None:
    """As in the network, whose last bias takes the offsets; the temperature is fitted to what it predicts then."""
    predictions = drawn(400, classes=4, temperature=1.4)
    found = fit_recalibration(predictions)
    shifted = Recalibration(found.offsets, 1.0)(predictions)
    assert fit_temperature(dataclasses.replace(shifted, temperature=None)).value == pytest.approx(
        found.temperature, abs=1e-5
    )


def test_an_image_is_recalibrated_by_the_images_of_the_other_folds() -> None:
    predictions = drawn(200)
    fold_of = np.arange(200) % 5
    found = cross_fitted(predictions, fold_of)
    held = fold_of == 2
    turned = dataclasses.replace(predictions, labels=np.where(held, 1 - predictions.labels, predictions.labels))
    again = cross_fitted(turned, fold_of)
    assert np.array_equal(again.probabilities[held], found.probabilities[held])
    assert (again.probabilities[~held] != found.probabilities[~held]).all()
    rest = fit_recalibration(predictions.among(~held))
    np.testing.assert_allclose(
        found.probabilities[held], rest(predictions.among(held)).probabilities, rtol=1e-9, atol=1e-12
    )


def test_what_fits_only_with_all_images_is_refused_with_how_many_were_fitted() -> None:
    many = drawn(200)
    right = many.probability("melanoma") > 0.5
    labels = right.astype(np.int64)
    labels[:20] = 1 - labels[:20]  # all that is wrong is in one fold
    predictions = dataclasses.replace(many, labels=labels)
    fit_recalibration(predictions)
    with pytest.raises(
        PredictionsError,
        match=r"^without the 40 images that evaluate the fit, no .* 160 images: .* all predicted right, .*; add images",
    ):
        cross_fitted(predictions, np.arange(200) // 40)


def test_what_fits_nothing_is_refused() -> None:
    many = drawn(200)
    nine = np.flatnonzero(many.is_class("melanoma"))[:9].tolist()
    few = many.take(sorted({*np.flatnonzero(many.is_class("rest")).tolist(), *nine}))
    with pytest.raises(
        PredictionsError, match="needs at least 10 images of each class, but there are 9 of melanoma; add images"
    ):
        fit_recalibration(few)
    right = dataclasses.replace(many, labels=(many.probability("melanoma") > 0.3).astype(np.int64))
    wrong = dataclasses.replace(right, labels=1 - right.labels)
    scores = {times: softmax(times * np.log(many.probabilities), axis=1) for times in (0.01, 1000)}
    small, large = (dataclasses.replace(many, probabilities=one) for one in scores.values())
    for predictions, why in (
        (right, "they are all predicted right, so that no probability is sharp enough"),
        (wrong, "they are predicted no better than by chance"),
        (small, "their scores are too small and ask for one below 0.05"),
        (large, "their scores are too large and ask for one above 20"),
    ):
        with pytest.raises(PredictionsError, match=f"^no temperature from 0.05 to 20 fits the 200 images: {why}$"):
            fit_recalibration(predictions)
