"""Seconds of 2,000 resamples of every measure of 1,512 images and 7 classes, on one core.

    python benchmarks/evaluation/bootstrap.py [--runs 7] [--loop 20]

Each class against the rest: AUC, AP, sensitivity, specificity and balanced accuracy; beside them the mean AUC, the
balanced accuracy of all classes and their recalls. Timed alone, with the jackknife that BCa needs, and as
`evaluate_classification` gives it, with every interval. A plain loop over scikit-learn on the first few of the same
resamples, which it is given as weights, shows that the figures agree, and what the loop would take.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from sklearn.metrics import average_precision_score, balanced_accuracy_score, recall_score, roc_auc_score

from attnmel.compute import runtime
from attnmel.evaluation.classification.metric_set import MetricSet
from attnmel.evaluation.classification.ranking import MEASURES
from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.evaluation.statistics.bootstrap import RESAMPLES, bootstrap, jackknife
from attnmel.evaluation.statistics.sampling import Sampling
from attnmel.records import Predictions

CLASSES = ("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC")
COUNTS = (171, 908, 93, 44, 217, 35, 44)
"""Images of each class; 1,512 together, as in ISIC 2018's test set."""
WANTED = 2.0
AGREEMENT = 1e-12


def predictions() -> Predictions:
    """Return probabilities that know something of the classes."""
    labels = np.repeat(np.arange(len(CLASSES)), COUNTS)
    logits = np.random.default_rng(0).normal(size=(len(labels), len(CLASSES))) + 2 * np.eye(len(CLASSES))[labels]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = tuple(f"ISIC_{number:07d}" for number in range(len(labels)))
    return Predictions(names, CLASSES, shares, labels, names)


def loop(judged: Predictions, weights: np.ndarray) -> np.ndarray:
    """Return the measures of each class on each resample, one call of scikit-learn each."""
    rows = []
    for weight in weights:
        row = []
        for index in range(len(CLASSES)):
            positive, scores = judged.labels == index, judged.probabilities[:, index]
            called = scores > 0.5
            row.append(roc_auc_score(positive, scores, sample_weight=weight))
            row.append(average_precision_score(positive, scores, sample_weight=weight))
            row += [recall_score(positive, called, pos_label=kind, sample_weight=weight) for kind in (1, 0)]
            row.append(balanced_accuracy_score(positive, called, sample_weight=weight))
        rows.append(row)
    return np.array(rows)


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Return how long one call takes, and how much of that the processor works on it."""
    start, worked = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - worked


def main() -> None:
    """Measure, compare with the loop, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--loop", type=int, default=20)
    chosen = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    judged = predictions()
    panel, sampling = MetricSet.of(judged, CLASSES), Sampling.of(judged.groups, judged.labels)
    ways = {
        "bootstrap": lambda: bootstrap(panel, sampling),
        "bootstrap and jackknife": lambda: (bootstrap(panel, sampling), jackknife(panel, sampling)),
        "evaluate_classification, every interval": lambda: evaluate_classification(judged, CLASSES),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(chosen.runs):
        for name, work in ways.items():
            times[name].append(seconds(work))
    weights = sampling.weights(np.random.default_rng(0), chosen.loop)
    started = time.process_time()
    expected = loop(judged, weights)
    plain = (time.process_time() - started) / chosen.loop * RESAMPLES
    # The columns of the classes come first.
    found = bootstrap(panel, sampling)[: chosen.loop, : len(CLASSES) * len(MEASURES)]
    print(
        f"{runtime.device_name(torch.device('cpu'))}, numpy {np.__version__}, one core; medians of {chosen.runs} runs"
    )
    for name, taken in times.items():
        wall, worked = (statistics.median(column) for column in zip(*taken, strict=True))
        print(f"{name:24} {wall:5.2f} s, of them {worked:.2f} s of the processor; {plain / worked:,.0f} x the loop")
    print(f"plain loop over scikit-learn, from {chosen.loop} resamples: {plain:,.0f} s of the processor")
    difference = float(np.abs(found - expected).max())
    print(f"largest difference {difference:.1e}; wanted: at most {AGREEMENT:g}, and {WANTED:g} s")


if __name__ == "__main__":
    main()
