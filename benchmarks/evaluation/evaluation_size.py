"""Seconds of one core for every interval of many predictions, beside counting all images anew each time, and memory.

    python benchmarks/evaluation/evaluation_size.py [--images 20000 100000] [--classes 2] [--sample 30]

Both ways run in turn on the same resamples and left-out units, of which so many are timed; an evaluation has 2,000
resamples and leaves out up to 2,000 units of each class. The slow way counts at every distinct score, and all images
for each unit that is left out. Both give the same values, which is checked. Wanted: at most half of the slow way.
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from attnmel.evaluation.classification.metric_set import MetricSet
from attnmel.evaluation.classification.ranking import MEASURES
from attnmel.evaluation.statistics.bootstrap import MOST_LEFT_OUT, RESAMPLES
from attnmel.evaluation.statistics.sampling import Sampling
from evaluation_command import predictions

WANTED = 0.5
AGREEMENT = 1e-12


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--classes", type=int, default=2)
    parser.add_argument("--sample", type=int, default=30)
    chosen = parser.parse_args()
    for images in chosen.images:
        made = predictions(images, chosen.classes, seed=0)
        positives = made.classes if chosen.classes > 2 else made.classes[1:]
        quick = MetricSet.of(made, positives)
        # A measure that is not one of `MEASURES` is given every distinct score.
        slow = MetricSet.of(made, positives, {name: _same(measure) for name, measure in MEASURES.items()})
        sampling = Sampling.of(made.groups, made.labels)
        without = quick.without(sampling)
        without(np.array([0, sampling.units - 1]))  # counts all images, once
        generator = np.random.default_rng(1)
        taken: dict[str, list[float]] = {"draw": [], "slow": [], "quick": [], "slow left": [], "quick left": []}
        for unit in generator.integers(sampling.units, size=chosen.sample).tolist():
            weights = _timed(taken["draw"], sampling.weights, generator, 1)
            expected = _timed(taken["slow"], slow, weights)
            _check(expected, _timed(taken["quick"], quick, weights))
            units = np.array([unit])
            weights = _timed(taken["slow left"], sampling.without, units)
            expected = _timed(taken["slow left"], slow, weights)
            _check(expected, _timed(taken["quick left"], without, units))
        each = {name: statistics.median(some) for name, some in taken.items()}
        each["slow left"] = sum(taken["slow left"]) / chosen.sample  # in two steps
        left_out = sum(min(int(count), MOST_LEFT_OUT) for count in np.bincount(made.labels))
        before = RESAMPLES * (each["draw"] + each["slow"]) + left_out * each["slow left"]
        after = RESAMPLES * (each["draw"] + each["quick"]) + left_out * each["quick left"]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        shown = ", ".join(f"{name} {1e3 * value:.2f}" for name, value in each.items())
        print(f"{images:,} images, {chosen.classes} classes; ms each: {shown}; peak so far {peak:.0f} MB")
        print(f"  all intervals {after:.1f} s, slow way {before:.1f} s: {after / before:.2f}; wanted: {WANTED}")


def _same(measure: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda counts: measure(counts)


def _timed(taken: list[float], work: Callable[..., np.ndarray], *given: Any) -> np.ndarray:  # noqa: ANN401 - anything
    start = time.process_time()
    made = work(*given)
    taken.append(time.process_time() - start)
    return made


def _check(expected: np.ndarray, found: np.ndarray) -> None:
    if not np.allclose(expected, found, rtol=0, atol=AGREEMENT, equal_nan=True):
        raise SystemExit(f"the two ways differ by {np.nanmax(np.abs(expected - found)):.1e}")


if __name__ == "__main__":
    main()
