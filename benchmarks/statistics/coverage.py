"""How often the 95 % intervals of `evaluate_classification` hold the truth, on simulated scores of known measures.

    nice python benchmarks/statistics/coverage.py [--world binormal ...] [--positives 10 20 ...] [--simulations 1000]

Worlds: `binormal`, normal scores 1.6 standard deviations apart (AUC .871); `close`, 0.8 apart (AUC .714); `ties`, the
first with probabilities rounded to tenths; `lesions`, the first with one to four images a lesion (2.1 on average) whose
scores correlate by 0.7, drawn by lesion; `ignored`, the same drawn image by image. One image (of the last two: one
lesion) in 5.13 is a melanoma, as in ISIC 2017's test images. The truth is that of infinitely many images, by
integration. A hundred positives and as many as ISIC 2017 has are simulated twice as often. One core; a table a world.
"""

import argparse
import os
import time
from dataclasses import dataclass

import numpy as np
import torch
from scipy import special, stats

from attnmel.compute import runtime
from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.records import Predictions

SIZES = (10, 20, 50, 100, 117, 300)
TWICE = (100, 117)
NEGATIVES = 483 / 117
"""For each positive."""
CUT = 0.6
"""Score at which the probability is one half."""
ALIKE = 0.7
"""Correlation of two images of one lesion."""
IMAGES = (1, 2, 3, 4)
SHARES = (0.4, 0.25, 0.2, 0.15)
"""How many lesions have so many images."""
MEASURES = ("auc", "ap", "sensitivity", "specificity", "balanced_accuracy")


@dataclass(frozen=True)
class World:
    """How scores come about."""

    distance: float
    """Standard deviations between the means of the two kinds."""
    decimals: int = 15
    """Of the probabilities."""
    lesions: bool = False
    """Whether one lesion has several images."""
    known: bool = True
    """Whether it is known which."""


WORLDS = {
    "binormal": World(1.6),
    "close": World(0.8),
    "ties": World(1.6, decimals=1),
    "lesions": World(1.6, lesions=True),
    "ignored": World(1.6, lesions=True, known=False),
}


def draw(world: World, positives: int, chance: np.random.Generator) -> Predictions:
    """Draw one test set; of a world of lesions so many positive lesions."""
    kind = np.repeat([1, 0], [positives, round(positives * NEGATIVES)])
    times = chance.choice(IMAGES, len(kind), p=SHARES) if world.lesions else np.ones(len(kind), dtype=int)
    lesion = np.arange(len(kind)).repeat(times)
    labels = kind.repeat(times)
    alike = ALIKE if world.lesions else 0.0
    noise = np.sqrt(alike) * chance.normal(size=len(kind))[lesion] + np.sqrt(1 - alike) * chance.normal(
        size=len(labels)
    )
    share = special.expit(noise + world.distance * labels - CUT).round(world.decimals)
    names = tuple(f"{number:05d}" for number in range(len(labels)))
    groups = tuple(f"{number:05d}" for number in lesion.tolist()) if world.known else names
    return Predictions(names, ("rest", "melanoma"), np.stack([1 - share, share], axis=1), labels, groups)


def truth(world: World) -> dict[str, float]:
    """Return the measures of infinitely many images."""
    if world.decimals < 15:
        steps = 10**world.decimals
        edges = special.logit((np.arange(steps) + 0.5) / steps)[::-1] + CUT
        called = int((np.arange(steps, -1, -1) / steps > 0.5).sum()) - 1
    else:
        edges = np.linspace(world.distance + 9, -9, 200_001)
        called = int(np.argmin(np.abs(edges - CUT)))
    # Shares of each kind at or above each edge; the last edge is below all.
    true = np.append(stats.norm.sf(edges - world.distance), 1.0)
    false = np.append(stats.norm.sf(edges), 1.0)
    precision = true / (true + NEGATIVES * false)
    sensitivity, specificity = float(true[called]), float(1 - false[called])
    return {
        "auc": float(np.trapezoid(np.append(0, true), np.append(0, false))),
        "ap": float(np.diff(true, prepend=0) @ precision),
        "sensitivity": sensitivity,
        "specificity": specificity,
        "balanced_accuracy": (sensitivity + specificity) / 2,
    }


def coverage(
    world: World, positives: int, *, simulations: int, resamples: int, seed: int
) -> dict[tuple[str, str], float]:
    """Return for each measure and method the share of simulations whose interval holds the truth.

    The method whose interval the tables show is marked.
    """
    chance = np.random.default_rng([seed, positives])
    true = truth(world)
    held: dict[tuple[str, str], int] = {}
    for number in range(simulations):
        judgement = evaluate_classification(
            draw(world, positives, chance), ["melanoma"], resamples=resamples, seed=number
        )
        for row in judgement.rows:
            for method, (low, high) in row.intervals.items():
                # An interval that is not defined counts as a miss.
                holds = low - 1e-9 <= true[row.measure] <= high + 1e-9
                name = f"{method}, shown" if method == row.method else method
                held[row.measure, name] = held.get((row.measure, name), 0) + holds
    return {key: count / simulations for key, count in held.items()}


def table(found: dict[int, dict[tuple[str, str], float]]) -> list[str]:
    """Return the lines of a table: a row each measure and method, a column each number of positives."""
    rows = sorted(next(iter(found.values())), key=lambda key: (MEASURES.index(key[0]), "shown" not in key[1]))
    lines = [f"| measure | method | {' | '.join(map(str, found))} |", f"| --- | --- |{' ---: |' * len(found)}"]
    for measure, method in rows:
        shares = " | ".join(f"{100 * one[measure, method]:.1f}" for one in found.values())
        lines.append(f"| {measure} | {method} | {shares} |")
    return lines


def main() -> None:
    """Simulate each world and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", nargs="+", choices=WORLDS, default=list(WORLDS)[:-1])
    parser.add_argument("--positives", nargs="+", type=int, default=SIZES)
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"{runtime.device_name(torch.device('cpu'))}, one core; seed {chosen.seed}; {chosen.resamples} resamples")
    for times, which in ((1, "all others"), (2, f"positives {' and '.join(map(str, TWICE))}")):
        count = times * chosen.simulations
        error = 100 * np.sqrt(0.95 * 0.05 / count)
        print(f"{which}: {count:,} simulations, Monte-Carlo error {error:.2f} points (standard deviation at 95 %)")
    for name in chosen.world:
        start, world = time.perf_counter(), WORLDS[name]
        found = {}
        for size in chosen.positives:
            simulations = chosen.simulations * (2 if size in TWICE else 1)
            found[size] = coverage(world, size, simulations=simulations, resamples=chosen.resamples, seed=chosen.seed)
        true = ", ".join(f"{measure} {value:.4f}" for measure, value in truth(world).items())
        print(f"\n### {name} ({true}); {time.perf_counter() - start:.0f} s\n", *table(found), sep="\n", flush=True)


if __name__ == "__main__":
    main()
