"""How often the paired tests claim a difference between two runs that are equal; 5 % is right.

    python benchmarks/statistics/false_claims.py --simulations 600 --seed 0

Each simulation draws images and two predictors that separate the kinds alike and share part of their errors. Counted is
how often an uncorrected p lies below 0.05, and how often a 95 % interval leaves out 0.
"""

import argparse
import math
from collections import defaultdict

import numpy as np
from scipy import special

from attnmel.evaluation.comparison.align import RecipeRuns, RunPredictions
from attnmel.evaluation.comparison.recipes import compare_recipes
from attnmel.evaluation.statistics.bootstrap import ResamplingConfig
from attnmel.records import Predictions

APART = 1.4
"""Distance of the two kinds in standard deviations: an AUC of 0.84."""

ALIKE = 0.6
"""Share of the variance of a score within a kind that both predictors have in common."""


def entrants(generator: np.random.Generator, positives: int, negatives: int, per_lesion: int) -> list[RecipeRuns]:
    """Draw two equal predictors' runs; images of one lesion share nearly all of their errors."""
    lesions = np.arange(positives + negatives) // per_lesion
    labels = (lesions < positives // per_lesion).astype(np.int64)
    names = tuple(map(str, range(len(labels))))
    groups = tuple(map(str, lesions.tolist())) if per_lesion > 1 else names

    def errors(share: float) -> np.ndarray:
        of_lesion = generator.normal(size=len(labels))[lesions]
        own = generator.normal(size=len(labels))
        within = 0.9 if per_lesion > 1 else 0.0
        return np.sqrt(share) * (np.sqrt(within) * of_lesion + np.sqrt(1 - within) * own)

    shared, found = errors(ALIKE), []
    for name in ("first", "second"):
        score = special.expit(2 * (labels * APART - APART / 2 + shared + errors(1 - ALIKE)))
        held = Predictions(names, ("rest", "melanoma"), np.stack([1 - score, score], axis=1), labels, groups)
        found.append(RecipeRuns(name, (RunPredictions(name, held),)))
    return found


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=600)
    parser.add_argument("--positives", type=int, default=100)
    parser.add_argument("--negatives", type=int, default=300)
    parser.add_argument("--images-per-lesion", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    claims: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for number in range(chosen.simulations):
        pair = entrants(
            np.random.default_rng([chosen.seed, number]), chosen.positives, chosen.negatives, chosen.images_per_lesion
        )
        for row in compare_recipes(
            pair, resampling=ResamplingConfig(resamples=500, permutations=499, seed=number)
        ).differences:
            for method in (row.outcome.chosen, *row.outcome.others):
                claims[row.measure, f"p of {method.name}"].append(method.p < 0.05)
                if not math.isnan(method.low):
                    claims[row.measure, f"interval of {method.name}"].append(method.low > 0 or method.high < 0)
    error = np.sqrt(0.05 * 0.95 / chosen.simulations)
    print(f"{chosen.simulations} simulations: the Monte-Carlo standard error of 5 % is {error:.1%}\n")
    print("| measure | by | false claims |\n| --- | --- | --- |")
    for (measure, by), made in claims.items():
        print(f"| {measure} | {by} | {np.mean(made):.1%} |")


if __name__ == "__main__":
    main()
