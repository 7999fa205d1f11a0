"""How often the intervals of the official measures hold the true value, on normal scores whose true value is known.

    python benchmarks/statistics/official_coverage.py [SAMPLES]

Scores of positives are normal about 1.6, those of the rest about 0, both with deviation 1; 250 samples of each size by
default, 400 resamples each. Half a minute on one core.
"""

import sys
from collections import Counter

import numpy as np
from scipy import stats

from attnmel.evaluation.challenge.metrics import every_measure
from attnmel.evaluation.challenge.rules import Rules
from attnmel.evaluation.classification.ranking import Ranking
from attnmel.evaluation.statistics.bootstrap import (
    bca_interval,
    bootstrap,
    jackknife,
    logit_interval,
    percentile_interval,
)
from attnmel.evaluation.statistics.sampling import Sampling

APART = 1.6
CALLED_ABOVE = 1.2
RESAMPLES = 400
SIZES = ((117, 483), (75, 304), (35, 300))
MEASURES = (
    "specificity_at_sensitivity_82",
    "specificity_at_sensitivity_95",
    "auc_above_sensitivity_80",
    "f1",
    "ppv",
    "npv",
)


def true_values(positives: int, negatives: int) -> tuple[float, ...]:
    """Return the measures of endlessly many images with the sample's share of positives."""
    true = float(stats.norm.sf(CALLED_ABOVE - APART)) * positives
    false = float(stats.norm.sf(CALLED_ABOVE)) * negatives
    rates = np.linspace(false_positive_rate(0.8), 1, 400_001)
    return (
        1 - false_positive_rate(0.82),
        1 - false_positive_rate(0.95),
        float(np.trapezoid(stats.norm.sf(stats.norm.isf(rates) - APART), rates)),
        2 * true / (true + false + positives),
        true / (true + false),
        (negatives - false) / (negatives - false + positives - true),
    )


def false_positive_rate(sensitivity: float) -> float:
    """Return the false positive rate of the true curve at a sensitivity."""
    return float(stats.norm.sf(stats.norm.isf(sensitivity) + APART))


def coverage(positives: int, negatives: int, samples: int) -> dict[tuple[str, str], float]:
    """Return for each method and measure the share of samples whose interval holds the true value."""
    generator = np.random.default_rng(1)
    measures = [every_measure(Rules())[name] for name in MEASURES]
    positive = np.arange(positives + negatives) < positives
    sampling = Sampling.of([str(row) for row in range(len(positive))], positive.astype(int))
    held: Counter[tuple[str, str]] = Counter()
    for sample in range(samples):
        # Moved so that images are called positive above one half.
        ranking = Ranking.of(positive, generator.normal(APART * positive) - CALLED_ABOVE + 0.5)

        def panel(weights: np.ndarray, ranking: Ranking = ranking) -> np.ndarray:
            counts = ranking.counts(weights)
            return np.stack([measure(counts) for measure in measures], axis=1)

        values = panel(np.ones((1, len(positive))))[0].tolist()
        draws, left_out = bootstrap(panel, sampling, resamples=RESAMPLES, seed=sample), jackknife(panel, sampling)
        for column, true in enumerate(true_values(positives, negatives)):
            intervals = {
                "percentile": percentile_interval(values[column], draws[:, column]),
                "bca": bca_interval(values[column], draws[:, column], float(left_out.acceleration[column])),
                "logit": logit_interval(values[column], float(left_out.error[column]) ** 2),
            }
            for method, interval in intervals.items():
                held[method, MEASURES[column]] += interval.low <= true <= interval.high
    return {key: count / samples for key, count in held.items()}


def main() -> None:
    """Print a line for each size, method and measure."""
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 250
    for positives, negatives in SIZES:
        for (method, measure), share in coverage(positives, negatives, samples).items():
            print(f"{positives:>4} against {negatives}  {method:<10}  {measure:<30}  {share:6.1%}")


if __name__ == "__main__":
    main()
