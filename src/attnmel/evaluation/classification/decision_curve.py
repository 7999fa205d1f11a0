"""Decision curves: net benefit of acting above a threshold probability (Vickers and Elkin 2006).

Whoever acts from a probability p on finds p / (1 - p) needless acts as bad as one missed melanoma. Counted in true
positives per image, the net benefit of acting on the images above p is

    net benefit = true positives / N - false positives / N * p / (1 - p),

acting on every image prevalence - (1 - prevalence) * p / (1 - p), acting on none 0. The probabilities are used as
they are: a network that is not calibrated acts too often or too seldom, and the curve shows that, too.

Shapes: N images, R resamples, P threshold probabilities.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from attnmel.errors import ConfigError
from attnmel.evaluation.classification.metric_set import MetricSet
from attnmel.evaluation.statistics.bootstrap import RESAMPLES, Interval, sums_in_cells
from attnmel.evaluation.statistics.estimators import estimate
from attnmel.evaluation.statistics.sampling import Sampling
from attnmel.records import Predictions

THRESHOLDS = tuple(percent / 100 for percent in range(1, 100))
"""From one needless act in a hundred to one missed melanoma in a hundred."""

SHOWN = (0.05, 0.1, 0.2, 0.3, 0.5)
"""Threshold probabilities of the tables, and those at which subgroups are evaluated."""


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit of one class against the rest over threshold probabilities, in true positives an image."""

    task: str
    thresholds: tuple[float, ...]
    net_benefit: tuple[Interval, ...]
    """With pointwise 95 % intervals; every resample has the prevalence of the evaluated images."""
    treat_all: tuple[float, ...]
    """Of acting on every image."""
    prevalence: float
    images: int
    resamples: int
    temperature: float | None = None
    """Of the probabilities; None for uncalibrated ones."""

    @property
    def useful(self) -> tuple[tuple[float, float], ...]:
        """Ranges of threshold probabilities where the whole interval lies above acting on all and on none."""
        ranges: list[tuple[float, float]] = []
        before = False
        for threshold, net, everyone in zip(self.thresholds, self.net_benefit, self.treat_all, strict=True):
            above = net.low > max(everyone, 0.0)
            if above:
                ranges = [*ranges[:-1], (ranges[-1][0], threshold)] if before else [*ranges, (threshold, threshold)]
            before = above
        return tuple(ranges)


def decision_curve(
    predictions: Predictions,
    name: str,
    *,
    thresholds: Sequence[float] = THRESHOLDS,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> DecisionCurve:
    """Return the decision curve of one class against the rest.

    Raises:
        PredictionsError: as `evaluate_classification`.
        ConfigError: a threshold probability outside (0, 1), or fewer than one resample.
    """
    if bad := [one for one in thresholds if not 0 < one < 1]:
        raise ConfigError(f"a threshold probability of {bad[0]:g} has no net benefit; expected one between 0 and 1")
    MetricSet.of(predictions, [name], one_sided=True)  # refuses what cannot be evaluated
    positive = predictions.is_class(name)
    prevalence = float(positive.mean())
    return DecisionCurve(
        task=name,
        thresholds=tuple(thresholds),
        net_benefit=net_benefit(predictions, name, thresholds, resamples=resamples, seed=seed),
        treat_all=treat_all(prevalence, thresholds),
        prevalence=prevalence,
        images=len(positive),
        resamples=resamples,
        temperature=predictions.temperature,
    )


def net_benefit(
    predictions: Predictions, name: str, thresholds: Sequence[float], *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Interval, ...]:
    """Return the net benefit per image of acting above each threshold probability, also of images of one class only."""
    rising, order = np.unique(np.array(thresholds, dtype=np.float64), return_inverse=True)
    # An image counts at every threshold below its probability: images are summed by how many those are.
    passed = np.searchsorted(rising, predictions.probability(name), side="left")
    count, positive, odds = len(rising) + 1, predictions.is_class(name), rising / (1 - rising)

    def net(weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R P"]:
        held = sums_in_cells(weights, passed + count * positive, 2 * count).reshape(-1, 2, count)
        false, true = np.cumsum(held[:, :, ::-1], axis=2)[:, :, -2::-1].transpose(1, 0, 2)
        return ((true - false * odds) / weights.sum(axis=1, keepdims=True))[:, order]

    return estimate(net, Sampling.of(predictions.groups, predictions.labels), resamples=resamples, seed=seed)


def treat_all(prevalence: float, thresholds: Sequence[float]) -> tuple[float, ...]:
    """Return the net benefit per image of acting on every image, at each threshold probability."""
    return tuple(prevalence - (1 - prevalence) * one / (1 - one) for one in thresholds)
