"""The intervals that a row shows hold the truth as often as they claim: `benchmarks/coverage.py` in small."""

import numpy as np
import pytest
from scipy import special, stats

from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.records import Predictions

POSITIVES, NEGATIVES = 100, 160
DISTANCE, CUT = 1.6, 0.6
SIMULATIONS = 2000
"""The Monte-Carlo error at 95 % is 0.49 points: the bounds are four of them away, and the seed is fixed."""


def simulated(chance: np.random.Generator) -> Predictions:
    """Two normal distributions of scores; the probability is one half at `CUT`."""
    labels = np.repeat([1, 0], [POSITIVES, NEGATIVES])
    share = special.expit(chance.normal(size=len(labels)) + DISTANCE * labels - CUT)
    names = tuple(f"{number:03d}" for number in range(len(labels)))
    return Predictions(names, ("rest", "melanoma"), np.stack([1 - share, share], axis=1), labels, names)


def truth() -> dict[str, float]:
    """Return the measures of two normal distributions, the average precision by integration over the positives."""
    score = np.linspace(-8, 8 + DISTANCE, 100_001)
    true, false = POSITIVES * stats.norm.sf(score - DISTANCE), NEGATIVES * stats.norm.sf(score)
    sensitivity, specificity = float(stats.norm.cdf(DISTANCE - CUT)), float(stats.norm.cdf(CUT))
    return {
        "auc": float(stats.norm.cdf(DISTANCE / np.sqrt(2))),
        "ap": float(np.trapezoid(true / (true + false) * stats.norm.pdf(score - DISTANCE), score)),
        "sensitivity": sensitivity,
        "specificity": specificity,
        "balanced_accuracy": (sensitivity + specificity) / 2,
    }


@pytest.mark.slow
def test_delong_and_each_measures_own_interval_hold_the_truth_in_93_to_97_of_100_samples() -> None:
    chance = np.random.default_rng(0)
    known = truth()
    held = dict.fromkeys(known, 0)
    for _ in range(SIMULATIONS):
        # Two resamples: the intervals that a row shows need none.
        for row in evaluate_classification(simulated(chance), ["melanoma"], resamples=2).rows:
            held[row.measure] += row.low <= known[row.measure] <= row.high
            assert (row.low, row.high) == row.intervals[{"auc": "delong", "ap": "logit"}.get(row.measure, "wilson")]
    for measure, count in held.items():
        assert 0.93 <= count / SIMULATIONS <= 0.97, (measure, count / SIMULATIONS)
