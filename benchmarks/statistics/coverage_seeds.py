"""Coverage of the intervals over seeds and images, on recipes whose true figures are known.

    python benchmarks/statistics/coverage_seeds.py --simulations 500 --seed 0

Each simulation draws new images and new seeds of two equal recipes. A seed separates the kinds a little better or worse
than another (`--seeds-vary`), calls a few more or fewer images positive, and shares part of its errors with all others
(`ALIKE`). A 95 % interval should hold the true value in 95 % of the simulations; of a difference the true value is 0,
so that 100 % less its coverage is the share of false claims of the test.
"""

import argparse
import sys
from collections import defaultdict

import numpy as np
from scipy import stats

from attnmel.evaluation.comparison.resampled_metrics import ResampledMetrics
from attnmel.evaluation.statistics.bootstrap import Interval, percentile_interval
from attnmel.evaluation.statistics.delong import areas, logit_interval
from attnmel.evaluation.statistics.multi_seed import SeedEstimate, crossed_draws, difference_estimate, recipe_estimate

APART = 1.4
"""Distance of the two kinds in standard deviations: an AUC of 0.84."""

ALIKE = 0.6
"""Share of the variance of a score within a kind that all seeds have in common."""

REGIMES = {"little": 0.05, "some": 0.15, "much": 0.4}
"""Standard deviation over seeds of that distance."""

MEASURES = ("auc", "sensitivity", "specificity")


def truth(vary: float) -> dict[str, float]:
    """Return the mean over all seeds and images of each measure."""
    return {
        "auc": float(stats.norm.cdf(APART / np.sqrt(2 + vary**2))),
        "sensitivity": float(stats.norm.cdf(APART / 2 / np.sqrt(1 + 2 * vary**2))),
        "specificity": float(stats.norm.cdf(APART / 2 / np.sqrt(1 + vary**2))),
    }


def drawn(seeds: int, vary: float, generator: np.random.Generator, chosen: argparse.Namespace) -> ResampledMetrics:
    """Draw images, what so many seeds of two equal recipes say of them, and measure all on shared resamples."""
    positive = np.arange(chosen.positives + chosen.negatives) < chosen.positives
    apart, shift = generator.normal(0, vary, (2, 2 * seeds))
    shared = generator.normal(size=(len(positive), 1)) * np.sqrt(ALIKE)
    own = generator.normal(size=(len(positive), 2 * seeds)) * np.sqrt(1 - ALIKE)
    scores = positive[:, None] * (APART + apart) - APART / 2 + shift + shared + own
    of_positives = _times(generator, chosen.resamples, chosen.positives)
    of_negatives = _times(generator, chosen.resamples, chosen.negatives)
    draws = np.stack(
        [
            _areas(scores[positive], scores[~positive], of_positives, of_negatives),
            of_positives @ (scores[positive] > 0) / chosen.positives,
            of_negatives @ (scores[~positive] <= 0) / chosen.negatives,
        ],
        axis=2,
    ).astype(np.float64)
    known = areas(positive, scores)
    values = np.stack([known.auc, (scores[positive] > 0).mean(axis=0), (scores[~positive] <= 0).mean(axis=0)], axis=1)
    rates = [np.cov(draws[:, :, place], rowvar=False) for place in (1, 2)]
    columns = tuple(("melanoma", measure) for measure in MEASURES)
    return ResampledMetrics(columns, values, draws, np.stack([known.covariance, *rates]))


def _times(generator: np.random.Generator, resamples: int, images: int) -> np.ndarray:
    """Draw how often each image is in each resample."""
    picks = generator.integers(images, size=(resamples, images)) + np.arange(resamples)[:, None] * images
    return np.bincount(picks.ravel(), minlength=resamples * images).reshape(resamples, images).astype(np.float32)


def _areas(above: np.ndarray, below: np.ndarray, times_above: np.ndarray, times_below: np.ndarray) -> np.ndarray:
    """AUC of each seed on each resample, pair by pair: without ties two matrix products do, far faster than sorting."""
    wins = (above[:, None] > below[None]).astype(np.float32)
    beaten = np.tensordot(times_above, wins, axes=1)
    return np.einsum("rnp,rn->rp", beaten, times_below) / (len(above) * len(below))


def recipe_intervals(one: ResampledMetrics, place: int, generator: np.random.Generator) -> dict[str, Interval]:
    """Return the intervals of one recipe's mean by each method."""
    estimate = recipe_estimate(one.values[:, place], one.covariance[place])
    draws = one.draws[:, :, place]
    few = stats.t.ppf(0.975, len(one.values) - 1)
    alone = one.values[:, place].var(ddof=1) / len(one.values)
    return {
        "t over seeds and images": estimate.share_interval(),
        "the same, seeds - 1 degrees": SeedEstimate(
            estimate.value, estimate.variance, len(draws[0]) - 1
        ).share_interval(),
        "hierarchical bootstrap": percentile_interval(estimate.value, crossed_draws(draws, generator)),
        "bootstrap of images alone": percentile_interval(estimate.value, draws.mean(axis=1)),
        "t over seeds alone": logit_interval(estimate.value, float(alone), float(few)),
    }


def difference_intervals(both: ResampledMetrics, place: int, generator: np.random.Generator) -> dict[str, Interval]:
    """Return the intervals of the difference of two recipes by each method."""
    first, second = np.split(both.values[:, place], 2)
    here, there = np.split(both.draws[:, :, place], 2, axis=1)
    estimate = difference_estimate(first, second, both.covariance[place])
    crossed = crossed_draws(there, generator) - crossed_draws(here, generator)
    parts = first.var(ddof=1) / len(first), second.var(ddof=1) / len(second)
    welch = sum(parts) ** 2 / max(sum(part**2 for part in parts), 1e-30) * (len(first) - 1)
    return {
        "t over seeds and images": estimate.interval(),
        "the same, seeds - 1 degrees": SeedEstimate(estimate.value, estimate.variance, len(first) - 1).interval(),
        "hierarchical bootstrap": percentile_interval(estimate.value, crossed),
        "bootstrap of images alone": percentile_interval(estimate.value, there.mean(axis=1) - here.mean(axis=1)),
        "t over seeds alone": SeedEstimate(estimate.value, float(sum(parts)), float(welch) or 1.0).interval(),
    }


def holds(interval: Interval, value: float) -> bool:
    """Say whether an interval holds the truth; one without ends does not."""
    return bool(interval.low <= value <= interval.high)


def simulate(seeds: int, vary: float, chosen: argparse.Namespace) -> dict[tuple[str, str, str], list[bool]]:
    """Return for each kind of figure, measure and method whether each simulation's interval held the truth."""
    held: dict[tuple[str, str, str], list[bool]] = defaultdict(list)
    known = truth(vary)
    for number in range(chosen.simulations):
        generator = np.random.default_rng([chosen.seed, seeds, number])
        both = drawn(seeds, vary, generator, chosen)
        for place, (_, measure) in enumerate(both.columns):
            for method, interval in recipe_intervals(both.of_runs(range(seeds)), place, generator).items():
                held["mean", measure, method].append(holds(interval, known[measure]))
            for method, interval in difference_intervals(both, place, generator).items():
                held["difference", measure, method].append(holds(interval, 0))
    return held


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=500)
    parser.add_argument("--resamples", type=int, default=300)
    parser.add_argument("--positives", type=int, default=100)
    parser.add_argument("--negatives", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=[2, 3, 5, 10])
    parser.add_argument("--seeds-vary", choices=REGIMES, nargs="+", default=list(REGIMES))
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    error = np.sqrt(0.95 * 0.05 / chosen.simulations)
    print(f"{chosen.simulations} simulations: the Monte-Carlo standard error of 95 % is {error:.1%}\n")
    print(f"| seeds vary | figure | measure | method | {' | '.join(f'{count} seeds' for count in chosen.seeds)} |")
    print(f"| --- | --- | --- | --- |{' --- |' * len(chosen.seeds)}")
    for regime in chosen.seeds_vary:
        columns = []
        for count in chosen.seeds:
            print(regime, count, file=sys.stderr, flush=True)
            columns.append(simulate(count, REGIMES[regime], chosen))
        for figure, measure, method in columns[0]:
            shares = [f"{np.mean(column[figure, measure, method]):.1%}" for column in columns]
            print(f"| {regime} | {figure} | {measure} | {method} | {' | '.join(shares)} |", flush=True)


if __name__ == "__main__":
    main()
