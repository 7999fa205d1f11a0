"""Two runs on the same images -> interval and p of the difference of each measure, by every method that fits it.

The method of each measure is fixed in advance: DeLong's for an AUC, McNemar's for sensitivity and specificity,
permutation for the rest. So each measure has one p value; those of other methods are reported in addition.

Shapes: N images, R resamples, M measures.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from jaxtyping import Bool, Float

from attnmel.evaluation.classification.metric_set import ALL_CLASSES
from attnmel.evaluation.classification.ranking import THRESHOLD, TopOneHits
from attnmel.evaluation.comparison.align import RunPredictions
from attnmel.evaluation.comparison.permutation import RANKED, rank_p, share_p
from attnmel.evaluation.comparison.resampled_metrics import Column, ResampledMetrics
from attnmel.evaluation.statistics.bootstrap import CONFIDENCE, Interval, ResamplingConfig, percentile_interval
from attnmel.evaluation.statistics.delong import areas
from attnmel.evaluation.statistics.hypothesis_tests import discordant, mcnemar_p
from attnmel.evaluation.statistics.sampling import Sampling

COUNTED = ("sensitivity", "specificity")
"""Measures of one kind of images, which McNemar's test counts."""


@dataclass(frozen=True)
class Method:
    """Interval and p value by one method; NaN where it gives none."""

    name: str
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan

    @staticmethod
    def of(name: str, interval: Interval, p: float = math.nan) -> "Method":
        """Take the ends of an interval."""
        return Method(name, interval.low, interval.high, p)


@dataclass(frozen=True)
class Outcome:
    """The difference of one measure by several methods."""

    chosen: Method
    """Gives interval and p."""
    others: tuple[Method, ...] = ()
    discordant: tuple[int, int] | None = None
    """Images that the first, and that the second, alone has right, of those that the measure is about; None where
    images are not counted."""
    seeds_error: tuple[float, float] | None = None
    """Standard error of the difference over seeds and images, and its degrees of freedom; None of single runs."""

    @property
    def error(self) -> tuple[float, float]:
        """Standard error and degrees of freedom; of single runs by the width of the interval, as of a normal test."""
        quantile = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
        return self.seeds_error or ((self.chosen.high - self.chosen.low) / (2 * quantile), math.inf)


def paired_outcomes(
    first: RunPredictions,
    second: RunPredictions,
    measured: ResampledMetrics,
    sampling: Sampling,
    resampling: ResamplingConfig,
) -> list[Outcome]:
    """Return one outcome a column; `measured` is of the first run, then of the second."""
    permuted = _permuted(first, second, measured.columns, sampling, resampling)
    found = []
    for place, column in enumerate(measured.columns):
        value = float(measured.values[1, place] - measured.values[0, place])
        drawn = percentile_interval(value, measured.draws[:, 1, place] - measured.draws[:, 0, place])
        task, measure = column
        if measure == "auc":
            found.append(_delong(first, second, task, drawn, permuted[column]))
        elif measure in COUNTED:
            found.append(_counted(first, second, column, drawn, permuted[column], sampling))
        else:
            found.append(Outcome(Method.of("bootstrap and permutation", drawn, permuted[column])))
    return found


def _delong(first: RunPredictions, second: RunPredictions, task: str, drawn: Interval, permuted: float) -> Outcome:
    truth = first.predictions
    scores = np.stack([run.predictions.probability(task) for run in (first, second)], axis=1)
    interval, p = areas(truth.is_class(task), scores, truth.groups).difference(0, 1)
    return Outcome(Method.of("DeLong", interval, p), (Method.of("bootstrap and permutation", drawn, permuted),))


def _counted(
    first: RunPredictions, second: RunPredictions, column: Column, drawn: Interval, permuted: float, sampling: Sampling
) -> Outcome:
    """Count by McNemar; images of one lesion are not independent, so there lesions are swapped instead."""
    task, measure = column
    of_kind = first.predictions.is_class(task) == (measure == "sensitivity")
    alone = discordant(_right(first, task)[of_kind], _right(second, task)[of_kind])
    if sampling.units < len(sampling.unit):
        return Outcome(Method.of("bootstrap and permutation by lesion", drawn, permuted), (), alone)
    return Outcome(Method.of("bootstrap and McNemar", drawn, mcnemar_p(*alone)), (), alone)


def _permuted(
    first: RunPredictions,
    second: RunPredictions,
    columns: tuple[Column, ...],
    sampling: Sampling,
    resampling: ResamplingConfig,
) -> dict[Column, float]:
    """Return the permutation p of every column."""
    truth, found = first.predictions, {}
    ranked = [column for column in columns if column[1] in RANKED]
    for task in dict.fromkeys(task for task, _ in ranked):
        p_values = rank_p(
            truth.is_class(task),
            truth.probability(task),
            second.predictions.probability(task),
            sampling.unit,
            permutations=resampling.permutations,
            seed=resampling.seed,
        )
        found |= {(task, measure): p for measure, p in p_values.items()}
    if others := [column for column in columns if column not in ranked]:
        shares = np.stack([_shares(first, second, column) for column in others], axis=1)
        p_values = share_p(shares, sampling.unit, permutations=resampling.permutations, seed=resampling.seed)
        found |= dict(zip(others, p_values.tolist(), strict=True))
    return found


def _shares(first: RunPredictions, second: RunPredictions, column: Column) -> Float[np.ndarray, " N"]:
    """Return what each image adds to second minus first: sensitivity, specificity and recalls are means of a kind."""
    task, measure = column
    labels = first.predictions.labels
    if task == ALL_CLASSES:
        kinds = [labels == label for label in np.unique(labels)]
    else:
        positive = first.predictions.is_class(task)
        kinds = {"sensitivity": [positive], "specificity": [~positive]}.get(measure, [positive, ~positive])
    gained = _right(second, task).astype(np.float64) - _right(first, task)
    return gained * np.sum([kind / kind.sum() for kind in kinds], axis=0) / len(kinds)


def _right(run: RunPredictions, task: str) -> Bool[np.ndarray, " N"]:
    """Whether each image is called what it is: of the task's class or not, or of which of all classes."""
    predictions = run.predictions
    if task == ALL_CLASSES:
        return TopOneHits.of(predictions.labels, predictions.probabilities).hit
    called = predictions.probability(task) > run.thresholds.get(task, THRESHOLD)
    return called == predictions.is_class(task)
