import math

import numpy as np
import pytest
from scipy.stats import binomtest

from attnmel.evaluation.statistics.bootstrap import bootstrap, percentile_interval
from attnmel.evaluation.statistics.estimators import estimate, estimate_of_sums, estimate_shares, estimate_smooth
from attnmel.evaluation.statistics.sampling import Sampling

GROUPS = [f"lesion-{number // 2}" for number in range(40)]
ALONE = [f"lesion-{number}" for number in range(40)]
VALUES = np.random.default_rng(1).beta(2, 3, size=(40, 3))


def means(weights: np.ndarray) -> np.ndarray:
    return weights @ VALUES / weights.sum(axis=1, keepdims=True)


def test_every_column_of_a_statistic_has_its_own_percentile_interval() -> None:
    sampling = Sampling.of(GROUPS)
    draws = bootstrap(means, sampling, resamples=50, seed=2)
    expected = [percentile_interval(VALUES[:, column].mean(), draws[:, column]) for column in range(3)]
    assert np.array(estimate(means, sampling, resamples=50, seed=2)) == pytest.approx(np.array(expected), abs=1e-12)


def test_a_smooth_figure_has_the_standard_error_of_a_mean_on_the_logit_scale() -> None:
    sampling = Sampling.of(ALONE)
    every = estimate_smooth(VALUES.mean(axis=0), lambda units: means(sampling.without(units)), sampling)
    assert np.array(estimate_of_sums(lambda sums: sums / 40, VALUES, sampling)) == pytest.approx(
        np.array(every), abs=1e-12
    )
    for found, column in zip(every, VALUES.T, strict=True):
        error = column.std(ddof=1) / math.sqrt(40) / (column.mean() * (1 - column.mean()))
        ends = [1 / (1 + math.exp(-math.log(p / (1 - p)) - z * error)) for p in [column.mean()] for z in (-1.96, 1.96)]
        assert found == pytest.approx((column.mean(), *ends), abs=1e-5)


@pytest.mark.parametrize("hits", [0, 1, 13, 20])
def test_a_share_of_images_has_wilson_s_interval(hits: int) -> None:
    whole = np.arange(40)[:, None] < 20
    part = np.arange(40)[:, None] < hits
    (found,) = estimate_shares(part, whole, Sampling.of(ALONE, whole[:, 0].astype(int)))
    expected = binomtest(hits, 20).proportion_ci(method="wilson")
    assert found == pytest.approx((hits / 20, expected.low, expected.high), abs=1e-9)


def test_two_images_of_a_lesion_that_are_alike_count_as_one() -> None:
    whole, part = np.ones((40, 1), dtype=bool), np.array([[number // 2 < 9] for number in range(40)])
    (found,) = estimate_shares(part, whole, Sampling.of(GROUPS))
    expected = binomtest(9, 20).proportion_ci(method="wilson")
    assert found == pytest.approx((9 / 20, expected.low, expected.high), abs=1e-9)


def test_a_share_of_nothing_is_not_defined() -> None:
    nothing = np.zeros((4, 1), dtype=bool)
    (found,) = estimate_shares(nothing, nothing, Sampling.of(list("abcd")))
    assert all(math.isnan(one) for one in found)
