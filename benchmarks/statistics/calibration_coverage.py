"""How often the intervals of calibration hold the truth, on simulated test sets: the table of the evaluation page.

    python benchmarks/statistics/calibration_coverage.py [--sets 400] [--images 600]

Log odds are normal, truths are drawn from a + b times them. Each set is resampled as `calibration_of` does, and by
class as the other measures do, to show why calibration is not. The true calibration error of a set is that of its own
bins with true probabilities in place of shares.
"""

import argparse
import time

import numpy as np
from scipy.special import expit

from attnmel.evaluation.calibration.cox_slope import intercept, line
from attnmel.evaluation.calibration.reliability import (
    brier_parts,
    calibration_error,
    calibration_error_by_chance,
    columns,
    equal_mass,
    sums,
)
from attnmel.evaluation.statistics.bootstrap import Statistic, bootstrap, percentile_interval
from attnmel.evaluation.statistics.sampling import Sampling

NAMES = ("calibration_error", "brier", "intercept", "slope")
CENTRE, SPREAD = -1.8, 1.4
"""Of the log odds: about a fifth of the images are positive where a = 0 and b = 1."""

Set = tuple[np.ndarray, np.ndarray, np.ndarray]


def draw(generator: np.random.Generator, images: int, level: float, turn: float) -> Set:
    """Return log odds as predicted, true probabilities, and truths."""
    odds = generator.normal(CENTRE, SPREAD, images)
    true = expit(level + turn * odds)
    return odds, true, generator.random(images) < true


def statistic(odds: np.ndarray, positive: np.ndarray, place: np.ndarray) -> Statistic:
    """Return the measures in the order of `NAMES`."""
    added = columns(expit(odds), positive, place)
    once = np.ones((1, len(odds)))
    level, start = float(intercept(once, odds, positive)[0]), tuple(line(once, odds, positive)[0].tolist())

    def measure(weights: np.ndarray) -> np.ndarray:
        held = sums(weights, added)
        lines = line(weights, odds, positive, start)
        levels = intercept(weights, odds, positive, level)
        return np.stack([calibration_error(held), brier_parts(held).brier, levels, lines[:, 1]], axis=1)

    return measure


def coverage(level: float, turn: float, sets: int, images: int) -> None:
    """Print one row for each way of drawing."""
    generator = np.random.default_rng(0)
    odds, _, positive = draw(generator, 2**20, level, turn)
    brier, known = float(((expit(odds) - positive) ** 2).mean()), 2**17
    large = float(intercept(np.ones((1, known)), odds[:known], positive[:known])[0])
    inside, seen = np.zeros((2, len(NAMES))), []
    for seed in range(sets):
        odds, true, positive = draw(generator, images, level, turn)
        place = equal_mass(expit(odds))
        gaps = (true - expit(odds)) @ (place[:, None] == np.arange(place.max() + 1))
        error = float(np.abs(gaps).sum() / images)
        measure = statistic(odds, positive, place)
        values = measure(np.ones((1, images)))[0]
        chance = calibration_error_by_chance(expit(odds), place, resamples=200, seed=seed)
        seen.append((values[0], error, chance.value, chance.low <= values[0] <= chance.high))
        names = [str(number) for number in range(images)]
        for row, labels in enumerate((None, positive.astype(np.int64))):
            draws = bootstrap(measure, Sampling.of(names, labels), resamples=500, seed=seed)
            for column, truth in enumerate((error, brier, large, turn)):
                found = percentile_interval(float(values[column]), draws[:, column])
                inside[row, column] += found.low <= truth <= found.high
    found, error, chance, within = np.mean(seen, axis=0)
    print(f"\na = {level}, b = {turn}: ECE {found:.3f}, true {error:.3f}, by chance {chance:.3f}; ", end="")
    print(f"within the range by chance in {100 * within:.1f} % of the sets")
    for title, row in zip(("by image", "by class"), inside, strict=True):
        shares = (f"{name} {100 * share / sets:.1f} %" for name, share in zip(NAMES, row, strict=True))
        print(f"  drawn {title}: {', '.join(shares)}")


def main() -> None:
    """Print coverage for three kinds of networks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=400)
    parser.add_argument("--images", type=int, default=600)
    chosen = parser.parse_args()
    clock = time.perf_counter()
    print(f"{chosen.sets} sets of {chosen.images} images, 500 resamples")
    for level, turn in ((0.0, 1.0), (0.0, 2.0), (0.3, 0.6)):
        coverage(level, turn, chosen.sets, chosen.images)
    print(f"\n{time.perf_counter() - clock:.0f} s")


if __name__ == "__main__":
    main()
