"""Joined runs -> every measure of each, on the images as they are and on resamples that all runs share.

Shapes: P runs, M measures, C = P M columns, R resamples, N images.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from attnmel.evaluation.classification.metric_set import ALL_CLASSES, MEAN, MetricSet
from attnmel.evaluation.classification.ranking import THRESHOLD, Ranking
from attnmel.evaluation.comparison.align import RunPredictions, halved
from attnmel.evaluation.statistics.bootstrap import RESAMPLES, bootstrap
from attnmel.evaluation.statistics.delong import areas
from attnmel.evaluation.statistics.sampling import Sampling

Column = tuple[str, str]
"""Task and measure."""


@dataclass(frozen=True)
class ResampledMetrics:
    """Every measure of every run."""

    columns: tuple[Column, ...]
    values: Float[np.ndarray, "P M"]
    draws: Float[np.ndarray, "R P M"]
    covariance: Float[np.ndarray, "M P P"]
    """Of the runs over images: DeLong's for an AUC of one class, that of the resamples for any other measure."""

    def of_runs(self, places: Sequence[int]) -> "ResampledMetrics":
        """Return the same of some of the runs."""
        runs = list(places)
        within = self.covariance[:, runs][:, :, runs]
        return ResampledMetrics(self.columns, self.values[runs], self.draws[:, runs], within)


def metric_set_of(run: RunPredictions, positives: Sequence[str]) -> MetricSet:
    """Return all measures of one run, those of decisions at its own thresholds.

    Raises:
        PredictionsError: as `evaluate_classification`.
    """
    metrics, predictions = MetricSet.of(run.predictions, positives), run.predictions
    moved = {
        name: Ranking.of(predictions.is_class(name), halved(predictions.probability(name), run.thresholds[name]))
        for name in positives
        if run.thresholds.get(name, THRESHOLD) != THRESHOLD
    }
    return replace(metrics, rankings={**metrics.rankings, **moved})


def measured(
    runs: Sequence[RunPredictions],
    positives: Sequence[str],
    sampling: Sampling,
    *,
    measures: Sequence[str],
    with_mean: bool = False,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> ResampledMetrics:
    """Measure runs whose rows are joined.

    Balanced accuracy is that of each task; where all runs know the same three or more classes, the mean recall of all.
    The mean AUC of several positives is measured if `with_mean`.

    Raises:
        PredictionsError: as `evaluate_classification`.
        ConfigError: fewer than one resample.
    """
    panels = [metric_set_of(run, positives) for run in runs]
    columns = _columns(runs, panels, measures, with_mean=with_mean)
    places = [[panel.names.index(column) for column in columns] for panel in panels]

    def every(weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R C"]:
        return np.concatenate([panel(weights)[:, place] for panel, place in zip(panels, places, strict=True)], axis=1)

    shape = (len(runs), len(columns))
    values = every(np.ones((1, len(sampling.unit))))[0].reshape(shape)
    draws = bootstrap(every, sampling, resamples=resamples, seed=seed).reshape(-1, *shape)
    covariance = np.stack([_covariance(column, runs, draws[:, :, place]) for place, column in enumerate(columns)])
    return ResampledMetrics(columns, values, draws, covariance)


def _columns(
    runs: Sequence[RunPredictions], panels: Sequence[MetricSet], measures: Sequence[str], *, with_mean: bool
) -> tuple[Column, ...]:
    same_classes = len({frozenset(run.predictions.classes) for run in runs}) == 1
    of_all = same_classes and (ALL_CLASSES, "balanced_accuracy") in panels[0].names
    without = {*([] if with_mean else [MEAN]), *([] if of_all else [ALL_CLASSES])}
    return tuple(
        (task, measure)
        for task, measure in panels[0].names
        if measure in measures
        and task not in without
        and not (of_all and measure == "balanced_accuracy" and task != ALL_CLASSES)
    )


def _covariance(
    column: Column, runs: Sequence[RunPredictions], draws: Float[np.ndarray, "R P"]
) -> Float[np.ndarray, "P P"]:
    task, measure = column
    if measure == "auc" and task != MEAN:
        first = runs[0].predictions
        scores = np.stack([run.predictions.probability(task) for run in runs], axis=1)
        return areas(first.is_class(task), scores, first.groups).covariance
    defined = draws[~np.isnan(draws).any(axis=1)]
    if len(defined) < 2:
        return np.full((len(runs),) * 2, np.nan)
    return np.atleast_2d(np.cov(defined, rowvar=False))
