"""How often the intervals of PPV and NPV hold the true value: Wilson's, which is shown, and the logit one.

    python benchmarks/statistics/predictive_values.py [SAMPLES]

Scores of positives are normal about 1.6, those of the rest about 0, both with deviation 1; the sizes of the classes are
fixed, as in a test set. 5,000 samples by default; half a minute on one core. A sample without an interval counts as one
whose interval does not hold the true value.
"""

import math
import sys

import numpy as np
from scipy import stats

from attnmel.evaluation.statistics.bootstrap import logit_interval
from attnmel.evaluation.statistics.proportions import share_interval

APART = 1.6
THRESHOLDS = (-0.5, 1.2, 2.2)
"""Called positive above it: sensitivities of .98, .66 and .27."""
SIZES = ((117, 483), (75, 304), (35, 300), (20, 80))


def jackknife_error(inside: int, inside_of: int, others: int, others_of: int) -> float:
    """Return the error of inside / (inside + others) by the jackknife within each class.

    `inside` of the `inside_of` images of one class and `others` of the `others_of` of the other are called.
    """
    squares = 0.0
    for called, images, is_inside in ((inside, inside_of, True), (others, others_of, False)):
        values = []
        for left_out, times in ((called - 1, called), (called, images - called)):
            weighted = left_out * images / (images - 1)
            part, rest = (weighted, others) if is_inside else (inside, weighted)
            if times and part + rest > 0:
                values.append((part / (part + rest), times))
        mean = sum(value * times for value, times in values) / sum(times for _, times in values)
        squares += sum(times * ((images - 1) * (mean - value)) ** 2 for value, times in values) / (
            images * (images - 1)
        )
    return math.sqrt(squares)


def coverage(drawn: np.ndarray, sizes: tuple[int, int], true: float) -> tuple[float, float, float]:
    """Return the share of samples of 0 or 1, and that of intervals that hold the true value: logit and Wilson's."""
    edges = held_logit = held_wilson = 0
    for inside, others in drawn[drawn.sum(axis=1) > 0].tolist():
        called = inside + others
        share, error = inside / called, jackknife_error(inside, sizes[0], others, sizes[1])
        logit = logit_interval(share, error**2)
        wilson = share_interval(share, error, called)
        edges += share in (0, 1)
        held_logit += share not in (0, 1) and logit.low <= true <= logit.high
        held_wilson += wilson.low <= true <= wilson.high
    samples = len(drawn)
    return edges / samples, held_logit / samples, held_wilson / samples


def main() -> None:
    """Print a row for each threshold, size and measure."""
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    print("| threshold | images | measure | true value | samples of 0 or 1 | logit | Wilson |")
    print("| ---: | --- | --- | ---: | ---: | ---: | ---: |")
    generator = np.random.default_rng(0)
    for threshold in THRESHOLDS:
        sensitivity, false = stats.norm.sf(threshold - APART), stats.norm.sf(threshold)
        for positives, negatives in SIZES:
            true_positives = generator.binomial(positives, sensitivity, samples)
            false_positives = generator.binomial(negatives, false, samples)
            for measure, drawn, sizes, expected in (
                ("PPV", (true_positives, false_positives), (positives, negatives), (sensitivity, false)),
                (
                    "NPV",
                    (negatives - false_positives, positives - true_positives),
                    (negatives, positives),
                    (1 - false, 1 - sensitivity),
                ),
            ):
                inside, others = (rate * size for rate, size in zip(expected, sizes, strict=True))
                true = float(inside / (inside + others))
                edges, logit, wilson = coverage(np.stack(drawn, axis=1), sizes, true)
                sample = f"{positives} against {negatives}"
                print(
                    f"| {threshold} | {sample} | {measure} | {true:.3f} | {edges:.1%} | {logit:.1%} | {wilson:.1%} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
