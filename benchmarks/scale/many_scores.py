"""Processor time and memory of AUC and average precision of millions of scores, beside scikit-learn's values.

    python benchmarks/scale/many_scores.py [--images 10000000] [--digits 6]

Scores are drawn, rounded to so many digits, which makes ties, or (0) not at all.
"""

import argparse
import resource
import time

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from attnmel.evaluation.classification.metric_set import MetricSet
from attnmel.records import Predictions


def peak() -> float:
    """Return the most memory that this process had so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=10_000_000)
    parser.add_argument("--digits", type=int, default=6)
    chosen = parser.parse_args()
    chance = np.random.default_rng(0)
    labels = (chance.random(chosen.images) < 0.02).astype(np.int64)
    scores = np.clip(chance.normal(0.3 + 0.2 * labels, 0.15), 0, 1)
    scores = np.round(scores, chosen.digits) if chosen.digits else scores
    ids = tuple(map(str, range(chosen.images)))
    began, before = time.process_time(), peak()
    given = Predictions(ids, ("rest", "melanoma"), np.stack([1 - scores, scores], axis=1), labels, ids)
    read = time.process_time()
    found = MetricSet.of(given, ["melanoma"]).values()
    done = time.process_time()
    print(
        f"{chosen.images:,} scores, {len(np.unique(scores)):,} distinct: checked in {read - began:.1f} s, all measures"
    )
    print(f"in {done - read:.1f} s of the processor; peak {peak():.1f} GB, of which {before:.1f} GB ids and scores")
    for name, reference in (("auc", roc_auc_score), ("ap", average_precision_score)):
        print(
            f"{name}: {found['melanoma', name]:.9f}, {abs(found['melanoma', name] - reference(labels, scores)):.1e} off"
        )


if __name__ == "__main__":
    main()
