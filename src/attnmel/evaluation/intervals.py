"""Interval of any statistic that is a function of resample weights, by the stratified bootstrap.

What is drawn are units: groups of images (one lesion, one patient), or single images where no group repeats. Images of
one lesion are alike, so drawing them one by one would give intervals that are too narrow.

Shapes: N images, U units, R resamples, M statistics.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped

from attnmel.errors import ConfigError, PredictionsError

CONFIDENCE = 0.95
RESAMPLES = 2000
"""Enough that the ends of a 95 % interval move by less than a tenth of its width between seeds."""

CHUNK = 2**18
"""Weights held at once (2 MiB): bounds the memory, and is fastest because it stays in the processor's cache."""

Statistic = Callable[[Float[np.ndarray, "R N"]], Float[np.ndarray, "R M"]]


class Interval(NamedTuple):
    """A figure on all images, and the ends of its interval; NaN where it is not defined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Sampling:
    """Which images are drawn together, and among which others.

    Units of one stratum have consecutive numbers.
    """

    unit: Int[np.ndarray, " N"]
    """Unit of each image."""
    start: Int[np.ndarray, " U"]
    """First unit of the stratum that each unit is in."""
    size: Int[np.ndarray, " U"]
    """Units in that stratum."""

    @staticmethod
    def of(groups: Sequence[str], labels: Int[np.ndarray, " N"] | None = None) -> "Sampling":
        """Stratify the groups by class, so that each resample holds as many units of a class as there are.

        A group with images of several classes counts to the rarest of them: patients with a melanoma are one stratum,
        whatever else was photographed. Without labels there is one stratum. The order of the images does not matter.

        Raises:
            PredictionsError: no image.
        """
        if not len(groups):
            raise PredictionsError("no image to resample; expected at least one")
        names, unit = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
        stratum = np.zeros(len(names), dtype=np.int64) if labels is None else _rarest(unit, labels)
        order = np.argsort(stratum, kind="stable")
        number = np.empty_like(order)
        number[order] = np.arange(len(order))
        _, start, which, size = np.unique(stratum[order], return_index=True, return_inverse=True, return_counts=True)
        return Sampling(number[unit], start[which], size[which])

    @property
    def units(self) -> int:
        """How many units there are."""
        return len(self.start)

    def weights(self, generator: np.random.Generator, resamples: int) -> Float[np.ndarray, "R N"]:
        """Draw with replacement and return how often each image is in each resample.

        One uniform number a unit, in the order of the resamples: drawing 10 and then 10 more is drawing 20.
        """
        drawn = generator.random((resamples, self.units))
        drawn *= self.size
        picks = drawn.astype(np.int64)
        picks += self.start
        picks += np.arange(resamples)[:, None] * self.units
        times = np.bincount(picks.ravel(), minlength=resamples * self.units).reshape(resamples, self.units)
        return times.astype(np.float64)[:, self.unit]


def bootstrap(
    statistic: Statistic, sampling: Sampling, *, resamples: int = RESAMPLES, seed: int = 0
) -> Float[np.ndarray, "R M"]:
    """Compute the statistics on every resample, a chunk of bounded memory at a time.

    The same groups, labels and seed give the same resamples, so that two predictors judged on the same images are
    compared pair by pair.

    Raises:
        ConfigError: fewer than one resample.
    """
    if resamples < 1:
        raise ConfigError(f"resamples must be at least 1, got {resamples}")
    generator = np.random.default_rng(seed)
    step = max(1, CHUNK // len(sampling.unit))
    sizes = [min(step, resamples - done) for done in range(0, resamples, step)]
    return np.concatenate([statistic(sampling.weights(generator, size)) for size in sizes])


def percentile_interval(value: float, draws: Float[np.ndarray, " R"], confidence: float = CONFIDENCE) -> Interval:
    """Return the percentile interval (Efron and Tibshirani 1993, chapter 13).

    Resamples on which the statistic is not defined (NaN) are left out; with none left, the ends are NaN.
    """
    defined = draws[~np.isnan(draws)]
    if not len(defined):
        return Interval(value, np.nan, np.nan)
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Interval(value, float(low), float(high))


def mean_interval(
    values: Float[np.ndarray, " N"], groups: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Return the mean of a figure per image with its interval, resampled by group; NaN for no image.

    Images whose figure is not defined (NaN) are left out.
    """
    known = ~np.isnan(values)
    if not known.any():
        return Interval(np.nan, np.nan, np.nan)
    kept = values[known].astype(np.float64)
    sampling = Sampling.of([group for group, keep in zip(groups, known, strict=True) if keep])

    def mean(weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R 1"]:
        return (weights @ kept / weights.sum(axis=1))[:, None]

    draws = bootstrap(mean, sampling, resamples=resamples, seed=seed)
    return percentile_interval(float(kept.mean()), draws[:, 0])


def _rarest(unit: Int[np.ndarray, " N"], labels: Shaped[np.ndarray, " N"]) -> Int[np.ndarray, " U"]:
    """Return for each unit the place of its rarest class, counted from the rarest of all."""
    _, which, counts = np.unique(labels, return_inverse=True, return_counts=True)
    place = np.empty_like(counts)
    place[np.argsort(counts, kind="stable")] = np.arange(len(counts))
    rarest = np.full(int(unit.max()) + 1, len(counts))
    np.minimum.at(rarest, unit, place[which])
    return rarest
