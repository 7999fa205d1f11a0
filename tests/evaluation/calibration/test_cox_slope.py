import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from attnmel.evaluation.calibration.cox_slope import intercept, line
from attnmel.evaluation.statistics.bootstrap import Sampling


def example(images: int = 300, *, level: float = 0.4, turn: float = 0.7, seed: int = 0) -> tuple[np.ndarray, ...]:
    generator = np.random.default_rng(seed)
    odds = generator.normal(-1, 1.5, images)
    return odds, generator.random(images) < expit(level + turn * odds)


def times(images: int, resamples: int = 20) -> np.ndarray:
    return Sampling.of([str(number) for number in range(images)]).weights(np.random.default_rng(0), resamples)


@pytest.mark.parametrize("turn", [0.2, 1.0, 4.0])
def test_the_line_is_an_unpenalised_logistic_regression(turn: float) -> None:
    odds, positive = example(turn=turn)
    weights = times(300)
    for row, (level, found) in zip(weights, line(weights, odds, positive), strict=True):
        model = LogisticRegression(C=np.inf, tol=1e-10).fit(odds[:, None], positive, sample_weight=row)
        assert (level, found) == pytest.approx((model.intercept_[0], model.coef_[0, 0]), rel=1e-4, abs=1e-5)


def test_the_intercept_is_the_best_with_a_slope_of_one() -> None:
    odds, positive = example()
    weights = times(300)

    def loss(level: np.ndarray, row: np.ndarray) -> float:
        return float(row @ (np.logaddexp(0, level + odds) - positive * (level + odds)))

    for row, found in zip(weights, intercept(weights, odds, positive), strict=True):
        assert found == pytest.approx(minimize(loss, 0.0, args=(row,), tol=1e-12).x[0], abs=1e-4)
        assert row @ expit(found + odds) == pytest.approx(row @ positive, abs=1e-6)


def test_a_start_near_the_answer_changes_nothing() -> None:
    odds, positive = example()
    weights = times(300)
    near = line(np.ones((1, 300)), odds, positive)[0]
    np.testing.assert_allclose(line(weights, odds, positive, tuple(near.tolist())), line(weights, odds, positive), 1e-6)
    np.testing.assert_allclose(intercept(weights, odds, positive, 0.5), intercept(weights, odds, positive), 1e-6)


def test_log_odds_at_the_limit_of_double_precision_are_no_trouble() -> None:
    odds, positive = np.array([36.0, -36.0, 36.0, -36.0] * 10), np.array([True, False, False, False] * 10)
    found = line(np.ones((1, 40)), odds, positive)[0]
    # Half of the sure ones are positive: the log odds there are 0.
    assert found[0] + 36 * found[1] == pytest.approx(0, abs=1e-3) or np.isnan(found).all()
    assert intercept(np.ones((1, 40)), odds, positive)[0] == pytest.approx(-36, abs=0.1)


def test_separated_classes_have_no_slope_and_a_single_class_no_intercept() -> None:
    odds = np.linspace(-2, 2, 40)
    assert np.isnan(line(np.ones((1, 40)), odds, odds > 0)).all()
    assert np.isnan(intercept(np.ones((1, 40)), odds, np.ones(40, dtype=bool))).all()
