import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from attnmel.evaluation.calibration.cox_slope import NODES, cox_fits, intercept, line, spread_over_nodes
from attnmel.evaluation.statistics.sampling import Sampling


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


@pytest.mark.parametrize(("spread", "turn"), [(1.5, 0.7), (8.0, 0.3), (8.0, 2.0), (0.05, 20.0)])
def test_many_images_on_nodes_have_the_fits_of_the_images(spread: float, turn: float) -> None:
    generator = np.random.default_rng(0)
    odds = np.clip(generator.normal(-1, 1, 2 * NODES) * spread, -36, 36)
    positive = generator.random(len(odds)) < expit(0.4 + turn * odds)
    weights = times(len(odds), 5)
    levels, slopes = cox_fits(odds, positive)(weights)
    np.testing.assert_allclose(levels, intercept(weights, odds, positive), atol=1e-7)
    np.testing.assert_allclose(slopes, line(weights, odds, positive)[:, 1], atol=1e-7)


def test_nodes_keep_the_sums_of_polynomials_of_the_fifth_degree() -> None:
    odds = np.random.default_rng(1).normal(size=3000)
    nodes, spread = spread_over_nodes(odds)
    weights = times(3000, 3)
    for degree in range(6):
        assert (weights @ spread) @ nodes**degree == pytest.approx(weights @ odds**degree, rel=1e-9, abs=1e-8)


def test_many_images_of_separated_classes_have_no_slope_and_of_a_few_positives_that_of_the_images() -> None:
    odds = np.linspace(-2, 2, 2 * NODES)
    once = np.ones((1, len(odds)))
    assert np.isnan(cox_fits(odds, odds > 0)(once)[1]).all()
    nearly = (odds > 1.9) ^ (np.arange(len(odds)) == len(odds) - 40)  # steeper than nodes can follow
    assert cox_fits(odds, nearly)(once)[1] == pytest.approx(line(once, odds, nearly)[:, 1], abs=1e-7, nan_ok=True)
    assert np.isnan(cox_fits(np.zeros(3 * NODES), np.arange(3 * NODES) % 2 > 0)(np.ones((1, 3 * NODES)))[1]).all()
