import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from attnmel.features.svm.logistic import fit_logistic


def test_the_fit_is_the_logistic_regression_on_platts_targets() -> None:
    rng = np.random.default_rng(0)
    positive = rng.random(80) < 0.3
    scores = rng.normal(positive * 1.0, 1.0) * 0.01 + 5
    high, low = (positive.sum() + 1) / (positive.sum() + 2), 1 / ((~positive).sum() + 2)
    share = np.where(positive, high, low)
    # A target between 0 and 1 is an image counted on both sides.
    twice = np.tile((scores - 5) * 100, 2)[:, None]
    sides = np.repeat([1, 0], 80)
    reference = LogisticRegression(C=1e12, tol=1e-12, max_iter=10_000).fit(
        twice, sides, sample_weight=np.concatenate([share, 1 - share])
    )
    expected = reference.predict_proba(twice[:80])[:, 1]
    np.testing.assert_allclose(fit_logistic(scores, positive)(scores), expected, atol=1e-5)


def test_scores_without_error_give_a_finite_slope() -> None:
    found = fit_logistic(np.array([-2.0, -1.0, 1.0, 2.0]), np.array([False, False, True, True]))
    assert 0 < found.slope < 100
    assert 0 < found(np.array([-2.0]))[0] < 0.5 < found(np.array([2.0]))[0] < 1


def test_scores_that_rank_worse_than_by_chance_give_everyone_the_same_probability() -> None:
    found = fit_logistic(np.array([2.0, 1.0, -1.0, -2.0]), np.array([False, False, True, True]))
    assert found.slope == 0
    assert found(np.array([7.0]))[0] == pytest.approx(0.5)


def test_scores_that_are_all_the_same_give_the_share_of_positives() -> None:
    found = fit_logistic(np.full(10, 3.0), np.arange(10) < 4)
    assert found(np.array([3.0]))[0] == pytest.approx(0.4, abs=0.03)
