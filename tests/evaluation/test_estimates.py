import math

import numpy as np
import pytest
from scipy.stats import binomtest

from attnmel.evaluation.estimates import estimate, estimate_shares, or_exact
from attnmel.evaluation.intervals import Interval, Sampling, bootstrap, percentile_interval

GROUPS = [f"lesion-{number // 2}" for number in range(40)]


def test_a_share_is_that_of_a_plain_loop_over_the_resamples() -> None:
    chance = np.random.default_rng(0)
    whole = (chance.random((40, 2)) < 0.7).astype(float)
    part = whole * (chance.random((40, 2)) < 0.5)
    sampling = Sampling.of(GROUPS)
    found = estimate_shares(part, whole, sampling, resamples=300, seed=4)
    weights = sampling.weights(np.random.default_rng(4), 300)
    for column in range(2):
        loop = [sum(w * part[:, column]) / sum(w * whole[:, column]) for w in weights]
        low, high = np.quantile(loop, [0.025, 0.975])
        expected = Interval(part[:, column].sum() / whole[:, column].sum(), low, high)
        assert found[column] == pytest.approx(expected, abs=1e-12)


def test_every_column_of_a_statistic_has_its_own_interval() -> None:
    values = np.random.default_rng(1).normal(size=(40, 3))
    sampling = Sampling.of(GROUPS)

    def means(weights: np.ndarray) -> np.ndarray:
        return weights @ values / weights.sum(axis=1, keepdims=True)

    draws = bootstrap(means, sampling, resamples=50, seed=2)
    expected = [percentile_interval(values[:, column].mean(), draws[:, column]) for column in range(3)]
    assert np.array(estimate(means, sampling, resamples=50, seed=2)) == pytest.approx(np.array(expected), abs=1e-12)


@pytest.mark.parametrize("whole", [1, 7, 483])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_none_or_all_of_a_whole_has_the_interval_of_clopper_and_pearson(value: float, whole: int) -> None:
    exact = binomtest(round(value * whole), whole).proportion_ci(method="exact")
    assert or_exact(Interval(value, value, value), whole) == pytest.approx((value, exact.low, exact.high), abs=1e-12)


@pytest.mark.parametrize("interval", [(0.5, 0.5, 0.5), (1.0, 0.9, 1.0), (math.nan, math.nan, math.nan)])
def test_any_other_interval_stays_as_it_is(interval: tuple[float, float, float]) -> None:
    assert or_exact(Interval(*interval), 10) == pytest.approx(Interval(*interval), nan_ok=True)


def test_a_share_of_nothing_is_not_defined() -> None:
    part, whole = np.zeros((4, 1)), np.zeros((4, 1))
    (found,) = estimate_shares(part, whole, Sampling.of(list("abcd")), resamples=20)
    assert all(math.isnan(one) for one in found)
