import dataclasses
import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.metrics import log_loss, roc_auc_score

from attnmel.config.fields import HIGHEST_TEMPERATURE, LOWEST_TEMPERATURE
from attnmel.errors import ConfigError
from attnmel.evaluation.calibration.temperature import (
    at_temperature,
    fit_temperature,
    temperature_interval,
    without_temperature,
)
from attnmel.evaluation.statistics.sampling import Sampling
from attnmel.records import Predictions


def predicted(probabilities: np.ndarray, labels: np.ndarray, groups: tuple[str, ...] = ()) -> Predictions:
    ids = tuple(f"ISIC_{number:07d}" for number in range(len(labels)))
    classes = ("rest", "melanoma", "nevus", "keratosis")[: probabilities.shape[1]]
    return Predictions(ids, classes, probabilities, labels.astype(np.int64), groups or ids)


def drawn(images: int, *, classes: int = 2, temperature: float = 1.0, seed: int = 0) -> tuple[Predictions, np.ndarray]:
    """Draw logits whose softmax is true, and predict with logits `temperature` times as large."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 1.5, (images, classes))
    logits[:, 0] += 1
    ends = softmax(logits, axis=1).cumsum(axis=1)
    labels = np.minimum((generator.random((images, 1)) > ends).sum(axis=1), classes - 1)
    return predicted(softmax(logits * temperature, axis=1), labels), logits * temperature


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("true", [0.4, 1.0, 3.0])
def test_a_known_temperature_is_found_again(classes: int, true: float) -> None:
    found = [fit_temperature(drawn(1000, classes=classes, temperature=true, seed=s)[0]).value for s in range(20)]
    logs = np.log(found) - math.log(true)
    assert abs(logs.mean()) < 4 * logs.std(ddof=1) / math.sqrt(len(logs))
    assert logs.std(ddof=1) < 0.15


@pytest.mark.parametrize("classes", [2, 4])
def test_it_is_where_the_log_loss_of_scikit_learn_is_lowest(classes: int) -> None:
    predictions, logits = drawn(300, classes=classes, temperature=2.3)

    def loss(log_temperature: float) -> float:
        return log_loss(predictions.labels, softmax(logits / math.exp(log_temperature), axis=1))

    limits = (math.log(LOWEST_TEMPERATURE), math.log(HIGHEST_TEMPERATURE))
    lowest = minimize_scalar(loss, bounds=limits, method="bounded", options={"xatol": 1e-9})
    assert fit_temperature(predictions).value == pytest.approx(math.exp(lowest.x), rel=1e-5)


@pytest.mark.parametrize("temperature", [0.3, 2.5])
def test_scaling_is_dividing_the_logits(temperature: float) -> None:
    predictions, logits = drawn(200, classes=4)
    scaled = at_temperature(predictions, temperature)
    np.testing.assert_allclose(scaled.probabilities, softmax(logits / temperature, axis=1), rtol=1e-12)
    for name in ("image_ids", "classes", "labels", "groups", "attributes"):
        assert getattr(scaled, name) is getattr(predictions, name)
    assert (scaled.temperature, predictions.temperature) == (temperature, None)
    back = without_temperature(scaled)
    np.testing.assert_allclose(back.probabilities, predictions.probabilities, rtol=1e-9)
    assert back.temperature is None


def test_scaling_keeps_every_class_called_and_the_auc_of_two_classes() -> None:
    several, (two, _) = drawn(300, classes=4)[0], drawn(300)
    assert np.array_equal(at_temperature(several, 3).probabilities.argmax(axis=1), several.probabilities.argmax(axis=1))
    areas = [roc_auc_score(two.is_class("melanoma"), at_temperature(two, t).probability("melanoma")) for t in (1, 3)]
    assert areas[0] == areas[1]


def test_a_temperature_of_one_leaves_every_bit() -> None:
    predictions, _ = drawn(50)
    assert at_temperature(predictions, 1).probabilities.tobytes() == predictions.probabilities.tobytes()


def test_a_probability_of_0_stays_0_and_is_no_error() -> None:
    predictions = predicted(np.array([[0.0, 1.0], [0.25, 0.75]] * 10), np.array([0, *[1] * 18, 0]))
    assert at_temperature(predictions, 2).probabilities[0].tolist() == [0, 1]
    # One of the ten sure images is wrong, which asks for much flatter probabilities.
    sure = at_temperature(predictions, fit_temperature(predictions).value)
    assert fit_temperature(predictions).value > 5
    assert np.isfinite(sure.probabilities).all()


def test_images_without_a_label_do_not_count() -> None:
    predictions, _ = drawn(300, temperature=2)
    labels = predictions.labels.copy()
    labels[200:] = -1
    first = predicted(predictions.probabilities[:200], predictions.labels[:200])
    fitted = fit_temperature(dataclasses.replace(predictions, labels=labels))
    assert fitted == fit_temperature(first)
    assert fitted.images == 200


@pytest.mark.parametrize(
    ("probability", "labels", "reason"),
    [
        ([0.2, 0.8] * 4, [0, 1] * 4, "8 labelled images are too few, expected at least 10"),
        ([0.2, 0.8] * 9, [1] * 18, "all 18 labelled images are of one class"),
        ([0.2, 0.8] * 9, [0, 1] * 9, "all 18 images are predicted right"),
        ([1e-9, 1 - 1e-9] * 9, [0, 1] * 9, "all 18 images are predicted right"),
        ([0.2, 0.8] * 9, [1, 0] * 9, "the 18 images are predicted no better than by chance"),
        ([0.5, 0.5] * 9, [1, 0] * 9, "the 18 images are predicted no better than by chance"),
        # 14 of 18 right at log odds of 32 and of .004: the best temperatures are about 26 and .003.
        ([1e-14, 1 - 1e-14] * 9, [0, 1] * 7 + [1, 0] * 2, "the scores are too large: the 18 images ask for a temp"),
        ([0.499, 0.501] * 9, [0, 1] * 7 + [1, 0] * 2, "the scores are too small: the 18 images ask for a temp"),
    ],
    ids=["few", "one class", "separated", "separated and sure", "reversed", "constant", "large", "small"],
)
def test_where_there_is_none_the_reason_is_said(probability: list[float], labels: list[int], reason: str) -> None:
    one = np.array(probability)
    fitted = fit_temperature(predicted(np.stack([1 - one, one], axis=1), np.array(labels)))
    assert math.isnan(fitted.value)
    assert reason in fitted.reason


@pytest.mark.parametrize("temperature", [0, -1, math.nan, math.inf])
def test_a_temperature_that_is_not_positive_is_refused(temperature: float) -> None:
    with pytest.raises(ConfigError, match="must be a positive number, got"):
        at_temperature(drawn(20)[0], temperature)


def test_a_probability_that_is_not_finite_has_none_and_says_so() -> None:
    predictions, _ = drawn(50)
    predictions.probabilities[7] = math.nan
    found = fit_temperature(predictions)
    assert math.isnan(found.value)
    assert found.reason == "a probability is not finite"


def test_the_interval_is_that_of_a_plain_loop_over_the_fit() -> None:
    predictions, _ = drawn(120, temperature=2)
    groups = tuple(f"lesion {number // 2}" for number in range(120))
    predictions = dataclasses.replace(predictions, groups=groups)
    fitted = fit_temperature(predictions)
    found = temperature_interval(predictions, fitted, resamples=60, seed=1)
    times = Sampling.of(groups).weights(np.random.default_rng(1), 60).astype(int)
    draws = []
    for row in times:
        again = np.repeat(np.arange(120), row)
        draws.append(fit_temperature(predicted(predictions.probabilities[again], predictions.labels[again])).value)
    assert found == pytest.approx((fitted.value, *np.quantile(draws, [0.025, 0.975])), rel=2e-3)
    assert found.low < fitted.value < found.high


def test_without_a_temperature_there_is_no_interval() -> None:
    predictions, _ = drawn(8)
    assert all(map(math.isnan, temperature_interval(predictions, fit_temperature(predictions))))
