import numpy as np
import pytest
from tests.factories import two_class_predictions

from attnmel.errors import ConfigError, PredictionsError
from attnmel.evaluation.classification.decision_curve import DecisionCurve, decision_curve
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.evaluation.statistics.sampling import Sampling
from attnmel.records import Predictions


def calibrated(images: int, *, seed: int = 0) -> Predictions:
    """Images whose probabilities are true: each is a melanoma as often as is said."""
    chance = np.random.default_rng(seed)
    share = chance.beta(0.5, 1.5, images)
    return two_class_predictions((chance.random(images) < share).astype(np.int64), share)


def test_the_net_benefit_is_that_of_a_plain_loop() -> None:
    predictions = calibrated(80)
    curve = decision_curve(predictions, "melanoma", thresholds=[0.1, 0.25, 0.5], resamples=60, seed=3)
    weights = Sampling.of(predictions.groups, predictions.labels).weights(np.random.default_rng(3), 60)

    def net(times: np.ndarray, threshold: float) -> float:
        true = false = 0.0
        for count, label, share in zip(times, predictions.labels, predictions.probability("melanoma"), strict=True):
            if share > threshold:
                true, false = true + count * (label == 1), false + count * (label == 0)
        return true / 80 - false / 80 * threshold / (1 - threshold)

    for threshold, found in zip(curve.thresholds, curve.net_benefit, strict=True):
        ends = np.quantile([net(times, threshold) for times in weights], [0.025, 0.975])
        assert found == pytest.approx((net(np.ones(80), threshold), *ends), abs=1e-12)


def test_acting_on_everyone_is_a_network_that_calls_everyone() -> None:
    labels = np.repeat([1, 0], [20, 60])
    curve = decision_curve(two_class_predictions(labels, np.full(80, 0.999)), "melanoma", resamples=20)
    assert [one.value for one in curve.net_benefit] == pytest.approx(curve.treat_all)
    assert curve.treat_all[24] == pytest.approx(0, abs=1e-12), "worth nothing where the threshold is the prevalence"
    assert curve.thresholds[24] == 0.25
    assert curve.prevalence == 0.25


def test_acting_on_nobody_is_worth_nothing_and_a_perfect_network_the_prevalence() -> None:
    labels = np.repeat([1, 0], [20, 60])
    none = decision_curve(two_class_predictions(labels, np.zeros(80)), "melanoma", resamples=20)
    assert all(one == Interval(0.0, 0.0, 0.0) for one in none.net_benefit)
    perfect = decision_curve(two_class_predictions(labels, labels.astype(float)), "melanoma", resamples=20)
    assert [one.value for one in perfect.net_benefit] == pytest.approx([0.25] * 99)


def test_true_probabilities_are_worth_no_less_than_acting_on_all_or_none() -> None:
    curve = decision_curve(calibrated(20000), "melanoma", resamples=2)
    for net, everyone in zip(curve.net_benefit, curve.treat_all, strict=True):
        assert net.value >= max(everyone, 0) - 0.002


def test_the_useful_ranges_are_where_the_whole_interval_lies_above_both() -> None:
    nets = [(0.3, 0.25, 0.35), (0.3, 0.28, 0.35), (0.2, 0.15, 0.3), (0.1, -0.1, 0.2), (0.1, 0.05, 0.2)]
    treat_all = (0.26, 0.2, 0.1, 0.0, -0.5)
    curve = DecisionCurve(
        "melanoma", (0.1, 0.2, 0.3, 0.4, 0.5), tuple(Interval(*net) for net in nets), treat_all, 0.3, 80, 20
    )
    assert curve.useful == ((0.2, 0.3), (0.5, 0.5))


def test_what_has_no_net_benefit_is_refused() -> None:
    with pytest.raises(ConfigError, match="a threshold probability of 1 has no net benefit; expected one between"):
        decision_curve(calibrated(80), "melanoma", thresholds=[0.5, 1.0])
    with pytest.raises(PredictionsError, match="no probability of nevus"):
        decision_curve(calibrated(80), "nevus")


def test_an_image_at_the_threshold_is_not_acted_on() -> None:
    labels, shares = np.repeat([1, 0], [40, 40]), np.where(np.arange(80) % 2, 0.25, 0.75)
    predictions = two_class_predictions(labels, shares)
    at, below = decision_curve(predictions, "melanoma", thresholds=[0.25, 0.24], resamples=20).net_benefit
    assert at.value == pytest.approx(20 / 80 - 20 / 80 * 0.25 / 0.75)
    assert below.value == pytest.approx(40 / 80 - 40 / 80 * 0.24 / 0.76)
