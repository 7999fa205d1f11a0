from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from attnmel.evaluation.calibration.reliability import (
    BINS,
    brier_parts,
    calibration_error,
    calibration_error_by_chance,
    columns,
    equal_mass,
    reliability_curve,
    sums,
)
from attnmel.evaluation.statistics.sampling import Sampling


def example(images: int = 400, *, decimals: int = 15, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw probabilities, rounded so that some are equal, and truths that are more frequent than they say."""
    generator = np.random.default_rng(seed)
    probability = np.round(generator.beta(0.7, 2, images), decimals)
    return probability, generator.random(images) < probability**0.8


def once(probability: np.ndarray, positive: np.ndarray, place: np.ndarray) -> tuple[float, tuple[float, ...]]:
    held = sums(np.ones((1, len(place))), columns(probability, positive, place))
    return float(calibration_error(held)[0]), tuple(float(part[0]) for part in brier_parts(held))


@pytest.mark.parametrize("decimals", [15, 2, 1])
def test_the_curve_is_scikit_learn_s_of_quantiles(decimals: int) -> None:
    probability, positive = example(decimals=decimals)
    observed, predicted = calibration_curve(positive, probability, n_bins=BINS, strategy="quantile")
    bins = reliability_curve(probability, positive, equal_mass(probability))
    assert [one.observed.value for one in bins] == pytest.approx(observed, abs=1e-12)
    assert [one.predicted for one in bins] == pytest.approx(predicted, abs=1e-12)


def test_bins_hold_as_many_images_and_each_image_once() -> None:
    probability, positive = example(405)
    bins = reliability_curve(probability, positive, equal_mass(probability))
    assert {one.images for one in bins} == {40, 41}
    assert sum(one.images for one in bins) == 405
    assert sum(one.positives for one in bins) == positive.sum()
    assert all(one.lowest <= one.predicted <= one.highest for one in bins)
    assert all(one.highest < other.lowest for one, other in pairwise(bins))


def test_equal_probabilities_share_a_bin_whatever_the_order() -> None:
    probability, _ = example(decimals=1)
    place, order = equal_mass(probability), np.random.default_rng(1).permutation(400)
    assert np.array_equal(equal_mass(probability[order]), place[order])
    assert all(len(set(place[probability == value])) == 1 for value in np.unique(probability))
    assert set(place) == set(range(place.max() + 1))


@pytest.mark.parametrize(("images", "bins"), [(5, 1), (19, 1), (35, 3), (99, 9), (5000, 10)])
def test_few_images_are_put_into_few_bins(images: int, bins: int) -> None:
    assert equal_mass(np.random.default_rng(0).random(images)).max() + 1 == bins


def test_the_calibration_error_is_the_weighted_gap_of_the_curve() -> None:
    probability, positive = example(decimals=2)
    place = equal_mass(probability)
    gaps = [
        one.images * abs(one.observed.value - one.predicted) for one in reliability_curve(probability, positive, place)
    ]
    assert once(probability, positive, place)[0] == pytest.approx(sum(gaps) / 400, abs=1e-14)


@pytest.mark.parametrize("decimals", [15, 1])
@pytest.mark.parametrize("bins", [1, 4, 10])
def test_the_parts_add_up_to_the_brier_score_of_scikit_learn(decimals: int, bins: int) -> None:
    probability, positive = example(decimals=decimals)
    brier, reliability, resolution, uncertainty = once(probability, positive, equal_mass(probability, bins))[1]
    assert brier == pytest.approx(brier_score_loss(positive, probability), abs=1e-14)
    assert reliability - resolution + uncertainty == pytest.approx(brier, abs=1e-14)
    assert uncertainty == pytest.approx(np.var(positive), abs=1e-14)


def test_where_a_bin_holds_one_probability_the_parts_are_murphy_s() -> None:
    generator = np.random.default_rng(2)
    values = np.array([0.1, 0.3, 0.6, 0.9])
    place = generator.integers(0, 4, 500)
    positive = generator.random(500) < values[place]
    shares = np.array([positive[place == number].mean() for number in range(4)])
    counts = np.bincount(place)
    _, (_, reliability, resolution, _) = once(values[place], positive, place)
    assert reliability == pytest.approx(counts @ (values - shares) ** 2 / 500, abs=1e-14)
    assert resolution == pytest.approx(counts @ (shares - positive.mean()) ** 2 / 500, abs=1e-14)


def test_a_resample_is_the_images_drawn_in_the_bins_as_they_were() -> None:
    probability, positive = example(60)
    place = equal_mass(probability)
    times = Sampling.of([str(number) for number in range(60)]).weights(np.random.default_rng(0), 30)
    held = sums(times, columns(probability, positive, place))
    parts = np.stack([calibration_error(held), *brier_parts(held)], axis=1)
    for row, found in zip(times.astype(int), parts, strict=True):
        again = np.repeat(np.arange(60), row)
        error, expected = once(probability[again], positive[again], place[again])
        assert found == pytest.approx((error, *expected), abs=1e-13)


def test_an_empty_bin_of_a_resample_adds_nothing() -> None:
    probability, positive = example(40)
    place = equal_mass(probability)
    times = (place > 0).astype(float)[None]
    parts = brier_parts(sums(times, columns(probability, positive, place)))
    expected = brier_score_loss(positive[place > 0], probability[place > 0])
    assert parts.brier[0] == pytest.approx(expected, abs=1e-14)
    assert (parts.reliability - parts.resolution + parts.uncertainty)[0] == pytest.approx(expected, abs=1e-14)


def test_by_chance_is_what_true_probabilities_show() -> None:
    probability, _ = example(300)
    place = equal_mass(probability)
    found = calibration_error_by_chance(probability, place, resamples=2000, seed=0)
    generator = np.random.default_rng(9)
    errors = [once(probability, generator.random(300) < probability, place)[0] for _ in range(800)]
    assert found.value == pytest.approx(np.mean(errors), rel=0.05)
    assert (found.low, found.high) == pytest.approx(np.quantile(errors, [0.025, 0.975]), rel=0.1)


def test_the_share_of_a_bin_has_wilson_s_interval() -> None:
    probability, positive = example(100)
    for one in reliability_curve(probability, positive, equal_mass(probability)):
        expected = stats.binomtest(one.positives, one.images).proportion_ci(method="wilson")
        assert (one.observed.low, one.observed.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
        assert one.observed.low < one.observed.high
