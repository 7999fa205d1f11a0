"""Binormal curves: the highest likelihood by other code, the spread of simulated areas, and what has no curve."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from attnmel.errors import ReadingsError
from attnmel.evaluation.readers.binormal import (
    DEGENERATE,
    ONE_POINT,
    binormal_study,
    category_counts,
    fit_binormal,
)
from attnmel.evaluation.readers.readings import Readings


def ratings(a: float, b: float, cases: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw truths and ratings from 1 to 5 of a reader with these parameters."""
    generator = np.random.default_rng(seed)
    diseased = np.arange(cases) % 2 == 0
    hidden = np.where(diseased, (a + generator.normal(size=cases)) / b, generator.normal(size=cases))
    return diseased, np.digitize(hidden, (-0.3, 0.4, 0.9, 1.6)).astype(np.float64)


def minus_likelihood(parameters: np.ndarray, diseased: np.ndarray, scores: np.ndarray) -> float:
    """Return minus the logarithm of the likelihood, case by case."""
    a, b = parameters[0], math.exp(parameters[1])
    cuts = np.concatenate([[-np.inf], parameters[2], parameters[2] + np.cumsum(np.exp(parameters[3:])), [np.inf]], None)
    place = scores.astype(int)
    share = np.where(
        diseased,
        norm.cdf(b * cuts[place + 1] - a) - norm.cdf(b * cuts[place] - a),
        norm.cdf(cuts[place + 1]) - norm.cdf(cuts[place]),
    )
    return float(-np.log(np.maximum(share, 1e-300)).sum())


def test_the_curve_has_the_highest_likelihood() -> None:
    diseased, scores = ratings(1.4, 0.7, 120, seed=3)
    found = fit_binormal(diseased, scores)
    start = np.array([1.0, 0.0, -0.3, -0.4, -0.6, -0.4])
    other = minimize(minus_likelihood, start, (diseased, scores), "BFGS", options={"gtol": 1e-9}).x
    assert (found.a, found.b) == (pytest.approx(other[0], abs=1e-4), pytest.approx(math.exp(other[1]), abs=1e-4))
    assert found.auc.value == pytest.approx(norm.cdf(found.a / math.hypot(1, found.b)))


def test_the_standard_error_is_the_spread_of_many_studies() -> None:
    found = [fit_binormal(*ratings(1.4, 0.7, 160, seed)).auc for seed in range(100)]
    truth = norm.cdf(1.4 / math.hypot(1, 0.7))
    assert np.mean([one.value for one in found]) == pytest.approx(truth, abs=0.008)
    assert np.mean([one.error for one in found]) == pytest.approx(np.std([one.value for one in found]), rel=0.2)
    held = np.mean([one.low < truth < one.high for one in found])
    assert 0.9 <= held <= 0.99


def test_what_must_not_matter_does_not(complete: Readings) -> None:
    diseased, scores = complete.diseased, complete.scores[0, 1]
    found = fit_binormal(diseased, scores).auc
    moved = fit_binormal(diseased, np.exp(3 * scores)).auc
    assert (moved.value, moved.error) == (found.value, found.error), "an increasing transform"
    swapped = fit_binormal(~diseased, scores).auc
    assert swapped.value == pytest.approx(1 - found.value, abs=1e-6), "healthy and diseased in each other's place"
    assert swapped.error == pytest.approx(found.error, abs=1e-6)
    assert abs(found.value - 0.72625) < 0.02, "near the empirical area"


def test_scores_of_one_kind_side_by_side_are_one_category() -> None:
    diseased = np.array([False, False, True, False, True, True])
    counts = category_counts(diseased, np.array([0.1, 0.2, 0.2, 0.3, 0.4, 0.5]))
    assert counts.tolist() == [[1, 1, 1, 0], [0, 1, 0, 2]]


HEALTHY_AND_DISEASED = {
    "apart": ([1, 1, 2], [3, 4], 1.0, DEGENERATE),
    "apart but for a tie": ([1, 2, 3], [3, 4, 5], 1.0, DEGENERATE),
    "the wrong way round": ([3, 4], [1, 2], 0.0, DEGENERATE),
    "all scores equal": ([1, 1], [1, 1, 1], math.nan, ONE_POINT),
    "yes and no": ([0, 0, 1], [0, 1, 1], math.nan, ONE_POINT),
    "one height": ([1, 1, 2, 2, 3], [1, 4, 5, 5], 0.75, DEGENERATE),
    "above one place": ([1, 1, 1, 5, 5], [2, 3, 3, 5], 0.6, DEGENERATE),
    "diseased ones between healthy ones": ([1, 1, 1, 5], [2, 3, 3], 0.75, DEGENERATE),
    "healthy ones between diseased ones": ([2, 3, 3], [1, 5, 5], 2 / 3, DEGENERATE),
}


@pytest.mark.parametrize("kind", HEALTHY_AND_DISEASED)
def test_degenerate_scores_have_a_sentence_and_no_error(kind: str) -> None:
    healthy, sick, area, sentence = HEALTHY_AND_DISEASED[kind]
    diseased = np.repeat([False, True], [len(healthy), len(sick)])
    found = fit_binormal(diseased, np.array([*healthy, *sick], dtype=np.float64))
    assert found.auc.note == sentence
    np.testing.assert_allclose((found.auc.value, found.auc.error, found.a), (area, math.nan, math.nan))


def test_one_kind_of_cases_has_no_curve() -> None:
    with pytest.raises(ReadingsError, match="needs a diseased and a healthy case; expected at least one of each"):
        fit_binormal(np.array([True, True]), np.array([1.0, 2.0]))


def test_areas_of_readers_are_compared_and_readers_without_one_are_left_out(drawn: Callable[..., Readings]) -> None:
    readings = drawn(readers=4)
    scores = np.round(readings.scores)
    scores[0, 3] = 0
    found = binormal_study(replace(readings, scores=scores))
    assert found.curves["m0", "r3"].auc.note == ONE_POINT
    assert found.analysis is not None
    kept = [[found.curves[name, f"r{reader}"].auc.value for reader in range(3)] for name in readings.modalities]
    assert [one.value for one in found.analysis.random.means] == pytest.approx(np.mean(kept, axis=1).tolist())
    assert found.analysis.random.differences[0, 1].error > 0


def test_a_degenerate_area_may_be_that_of_hastings_approximate_deviate() -> None:
    """21 of 22 diseased cases above all points inside: deviate 1.690995 by equation 26.2.23, and 1.690622 in truth."""
    diseased = np.arange(44) < 22
    scores = np.where(diseased, np.where(np.arange(44) == 0, 1.0, 4.0), np.arange(44) % 3 + 1.0)
    limit, approximate = (fit_binormal(diseased, scores, degenerate=way).auc for way in ("limit", "approximate"))
    assert limit.value == pytest.approx(21 / 22, abs=1e-12)
    assert approximate.value == pytest.approx(0.9545810842, abs=1e-10)
    assert limit.note == approximate.note == DEGENERATE
