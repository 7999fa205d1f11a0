"""Agreement: scikit-learn's kappa, published values of Gwet's coefficients, and what has no agreement."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from attnmel.evaluation.readers.agreement import (
    FEW_CASES,
    ONE_CATEGORY,
    Weights,
    cohen_kappa,
    gwet,
    mean_kappa,
    repeatability,
)

NO = np.nan
FOUR_RATERS = np.array(
    [
        [1, 1, NO, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4],
        [4, 4, 4, 4], [1, 1, 2, 1], [2, 2, 2, 2], [NO, 5, 5, 5], [NO, NO, 1, 1], [NO, NO, 3, NO],
    ]
)  # fmt: skip
"""Twelve subjects and four raters, in Krippendorff 2004 and Gwet 2014."""


@pytest.mark.parametrize("weights", ["unweighted", "linear", "quadratic"])
def test_kappa_is_that_of_scikit_learn(weights: Weights) -> None:
    generator = np.random.default_rng(3)
    first = generator.integers(1, 6, 60).astype(float)
    second = np.clip(first + generator.integers(-1, 2, 60), 1, 5)
    expected = cohen_kappa_score(first, second, weights=None if weights == "unweighted" else weights)
    found = cohen_kappa(np.append(first, NO), np.append(second, 3), weights)
    assert found.value == pytest.approx(expected)
    assert found.low < expected < found.high


def test_the_error_of_kappa_is_near_that_for_many_cases() -> None:
    """Of Fleiss, Cohen and Everitt (1969), for 40, 10, 5 and 45 of 100 answers; by hand."""
    first, second = np.repeat([1.0, 1, 0, 0], [40, 10, 5, 45]), np.repeat([1.0, 0, 1, 0], [40, 10, 5, 45])
    found = cohen_kappa(first, second)
    assert found.value == pytest.approx(0.7)
    assert found.error == pytest.approx(0.0711, abs=0.002)


def test_gwets_coefficients_are_the_published_ones() -> None:
    """AC1 and its error: Gwet 2014; AC2 by his program irrCAC 0.4.4."""
    found = gwet(FOUR_RATERS)
    np.testing.assert_allclose((found.value, found.error, found.low), (0.77544, 0.14295, 0.46081), atol=5e-6)
    quadratic = gwet(FOUR_RATERS, "quadratic")
    np.testing.assert_allclose((quadratic.value, quadratic.error), (0.9140007, 0.1039622), atol=1e-6)


def test_a_rare_answer_lowers_kappa_and_not_ac1() -> None:
    first, second = np.zeros(100), np.zeros(100)
    first[:3], second[2:5] = 1, 1
    assert cohen_kappa(first, second).value < 0.5
    assert gwet(np.stack([first, second], axis=1)).value > 0.9


def test_the_mean_kappa_is_over_pairs_of_readers() -> None:
    generator = np.random.default_rng(0)
    ratings = generator.integers(0, 2, (40, 3)).astype(float)
    pairs = [cohen_kappa_score(ratings[:, one], ratings[:, other]) for one, other in ((0, 1), (0, 2), (1, 2))]
    assert mean_kappa(ratings) == pytest.approx(np.mean(pairs))
    assert np.isnan(mean_kappa(ratings[:, :1]))


def test_two_answers_are_as_far_apart_in_each_pair_of_readers() -> None:
    """Also where a pair did not use what lies between them; scikit-learn is told all categories."""
    ratings = np.array([[1, 1, 1], [2, 2, 3], [4, 4, 4], [2, 4, 3], [5, 5, 5], [4, 5, 3], [1, 2, 2]], dtype=float)
    pairs = ((0, 1), (0, 2), (1, 2))
    for weights in ("linear", "quadratic"):
        expected = [
            cohen_kappa_score(ratings[:, one], ratings[:, other], labels=[1, 2, 3, 4, 5], weights=weights)
            for one, other in pairs
        ]
        assert mean_kappa(ratings, weights) == pytest.approx(np.mean(expected))


def test_what_has_no_agreement_says_why() -> None:
    assert gwet(np.array([[1.0, NO], [2, 1]])).note == FEW_CASES
    assert gwet(np.ones((5, 2))).note == ONE_CATEGORY
    assert cohen_kappa(np.array([1.0, NO]), np.array([1.0, 2])).note == FEW_CASES
    assert cohen_kappa(np.ones(4), np.ones(4)).note == ONE_CATEGORY


def test_repeatability_is_the_spread_that_was_put_in() -> None:
    generator = np.random.default_rng(0)
    true = generator.uniform(0, 100, 4000)
    found = repeatability(true + 5 * generator.normal(size=4000), true + 2 + 5 * generator.normal(size=4000))
    assert found.bias == pytest.approx(2, abs=0.3)
    assert found.within_sd == pytest.approx(np.hypot(5, np.sqrt(2)), rel=0.03)
    assert found.coefficient == pytest.approx(1.96 * np.sqrt(2) * found.within_sd, rel=1e-4)
    assert repeatability(np.array([NO]), np.array([1.0])).images == 0
