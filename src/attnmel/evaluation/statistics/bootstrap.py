"""Intervals of any statistic that is a function of resample weights, by the stratified bootstrap and jackknife.

What is drawn and left out are units of images: `sampling.py`.

Shapes: N images, U units, R resamples, M statistics, C cells.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy import special

from attnmel.errors import ConfigError
from attnmel.evaluation.statistics.sampling import Sampling

CONFIDENCE = 0.95
NORMAL = float(special.ndtri((1 + CONFIDENCE) / 2))
"""Standard errors to both sides that hold so much of a normal distribution."""

RESAMPLES = 2000
"""Enough that the ends of a 95 % interval move by less than a tenth of its width between seeds."""

PERMUTATIONS = 10_000
"""The Monte Carlo error of a p of 0.05 is then 0.002."""

CHUNK = 2**16
"""Weights in memory at once (half a MiB): bounds the memory, and is fastest because it stays in the processor's cache
and is not given back to the system after each chunk."""

MOST_LEFT_OUT = 2000
"""Units of a stratum that the jackknife leaves out; of larger strata it draws so many, whose sums are scaled up."""

ROUNDING = 1e-12
"""Figures that differ by less are equal: sums in another order."""

Statistic = Callable[[Float[np.ndarray, "R N"]], Float[np.ndarray, "R M"]]


@dataclass(frozen=True)
class ResamplingConfig:
    """Number of resamples and permutations, and the random seed of both."""

    resamples: int = RESAMPLES
    permutations: int = PERMUTATIONS
    seed: int = 0


DEFAULT = ResamplingConfig()


class Interval(NamedTuple):
    """A value on all images, and the ends of its interval; NaN where it is not defined."""

    value: float
    low: float
    high: float


def bootstrap(
    statistic: Statistic, sampling: Sampling, *, resamples: int = RESAMPLES, seed: int = 0
) -> Float[np.ndarray, "R M"]:
    """Compute the statistics on every resample, a chunk of bounded memory at a time.

    The same groups, labels and seed give the same resamples, so that two predictors evaluated on the same images are
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


def sums_in_cells(
    weights: Shaped[np.ndarray, "R N"], cells: Int[np.ndarray, " N"], count: int
) -> Float[np.ndarray, "R C"]:
    """Sum the weights of the images of each of `count` cells, on every resample, without a product of 0 and 1."""
    rows = np.arange(len(weights))[:, None] * count
    return np.bincount((rows + cells).ravel(), weights.ravel(), len(weights) * count).reshape(len(weights), count)


@dataclass(frozen=True)
class Jackknife:
    """Error and acceleration from leaving out each unit in turn."""

    error: Float[np.ndarray, " M"]
    """Standard error."""
    acceleration: Float[np.ndarray, " M"]
    """How fast the standard error changes with the statistic: a sixth of the skewness of the units' influence."""


def jackknife(statistic: Statistic, sampling: Sampling) -> Jackknife:
    """Leave each unit out in turn, within its stratum, and compute the statistic on the others: see `jackknife_of`."""
    return jackknife_of(lambda units: statistic(sampling.without(units)), sampling)


def jackknife_of(
    without: Callable[[Int[np.ndarray, " R"]], Float[np.ndarray, "R M"]], sampling: Sampling, width: int | None = None
) -> Jackknife:
    """Return the jackknife of the values `without` each of some units, which needs `width` numbers for each, else N.

    With t the mean of a stratum's leave-one-out values and n its units, l = (n - 1) (t - value without the unit) is a
    unit's influence. Summed over all strata, the squared error is the sum of l^2 / (n (n - 1)), the acceleration the
    sum of l^3 / n^3 over six times the 3/2th power of the sum of l^2 / n^2 (Davison and Hinkley 1997, sections 3.2 and
    5.3). For an AUC the error is DeLong's. A unit without which the statistic is not defined has no influence.

    Of a stratum with more than `MOST_LEFT_OUT` units so many are drawn, always the same, and their sums scaled up: time
    then grows with the images, and not with their square.
    """
    strata = sampling.strata
    left_out = [first + _some(size) for first, size in strata]
    order = np.concatenate(left_out)
    step = max(1, CHUNK // (width or len(sampling.unit)))
    chunks = [order[done : done + step] for done in range(0, len(order), step)]
    values = np.concatenate([without(chunk) for chunk in chunks])
    squares, error, cubes = np.zeros((3, values.shape[1]))
    by_stratum = np.split(values, np.cumsum([len(units) for units in left_out])[:-1])
    for (_, size), of_stratum in zip(strata, by_stratum, strict=True):
        known = ~np.isnan(of_stratum)
        mean = np.where(known, of_stratum, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        influence = np.where(known, (size - 1) * (mean - of_stratum), 0) / size
        # Rounding is no influence: a statistic that no unit moves must have exactly no error.
        influence[np.abs(influence) < ROUNDING] = 0
        stands_for = size / len(of_stratum)
        squares += (influence**2).sum(axis=0) * stands_for
        error += (influence**2).sum(axis=0) * stands_for * size / max(size - 1, 1)
        cubes += (influence**3).sum(axis=0) * stands_for
    acceleration = np.divide(cubes, 6 * squares**1.5, out=np.zeros_like(cubes), where=squares > 0)
    return Jackknife(np.sqrt(error), acceleration)


def _some(units: int) -> Int[np.ndarray, " m"]:
    """Choose the units of a stratum that are left out."""
    if units <= MOST_LEFT_OUT:
        return np.arange(units)
    return np.sort(np.random.default_rng(0).permutation(units)[:MOST_LEFT_OUT])


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


def bca_interval(
    value: float, draws: Float[np.ndarray, " R"], acceleration: float, confidence: float = CONFIDENCE
) -> Interval:
    """Return the bias-corrected and accelerated interval (Efron and Tibshirani 1993, chapter 14).

    Draws equal to the value count half below it. Undefined resamples are left out, as in the percentile interval. The
    ends are NaN where the correction has none: all draws on one side of the value, or an acceleration so large that the
    shifted quantile turns back.
    """
    defined = draws[~np.isnan(draws)]
    below = ((defined < value - ROUNDING).sum() + (defined <= value + ROUNDING).sum()) / (2 * max(len(defined), 1))
    if not 0 < below < 1:
        return Interval(value, np.nan, np.nan)
    bias = special.ndtri(below)
    shifted = bias + special.ndtri([(1 - confidence) / 2, (1 + confidence) / 2])
    if (acceleration * shifted >= 1).any():
        return Interval(value, np.nan, np.nan)
    low, high = np.quantile(defined, special.ndtr(bias + shifted / (1 - acceleration * shifted)))
    return Interval(value, float(low), float(high))


def logit_interval(value: float, variance: float, quantile: float = NORMAL) -> Interval:
    """Return the interval that reaches `quantile` standard errors to both sides on the logit scale, within (0, 1).

    As Pepe 2003, section 5.2, has it for AUCs. The ends are NaN at 0 and 1 and without a variance: nothing is known of
    the uncertainty.
    """
    if not (0 < value < 1 and variance > 0):
        return Interval(value, np.nan, np.nan)
    half = quantile * np.sqrt(variance) / (value * (1 - value))
    low, high = special.expit(special.logit(value) + np.array([-half, half]))
    return Interval(value, float(low), float(high))


def without_width(interval: Interval) -> Interval:
    """Take the ends away where no resample differs: an interval without width would claim certainty."""
    return interval if interval.high - interval.low > ROUNDING else Interval(interval.value, np.nan, np.nan)


def within_difference(interval: Interval) -> Interval:
    """Cut the ends of an interval of a difference at -1 and 1, which two measures in [0, 1] cannot differ by more than.

    An interval that is symmetric by its method goes beyond them where a few images or seeds say little. Undefined ends
    stay undefined.
    """
    low, high = np.clip([interval.low, interval.high], -1, 1).tolist()
    return Interval(interval.value, low, high)


def mean_interval(
    values: Float[np.ndarray, " N"], groups: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Return the mean of a figure per image with its interval, resampled by group; NaN for no image.

    Images whose figure is not defined (NaN) are left out. Of a single group nothing is known of how much another would
    differ, nor of groups that are all alike, such as masks that all overlap by 1: the mean has no ends (NaN).
    """
    known = ~np.isnan(values)
    if not known.any():
        return Interval(np.nan, np.nan, np.nan)
    kept = values[known].astype(np.float64)
    sampling = Sampling.of([group for group, keep in zip(groups, known, strict=True) if keep])
    if sampling.unit.max() == 0:
        return Interval(float(kept.mean()), np.nan, np.nan)

    def mean(weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R 1"]:
        return (weights @ kept / weights.sum(axis=1))[:, None]

    draws = bootstrap(mean, sampling, resamples=resamples, seed=seed)
    return without_width(percentile_interval(float(kept.mean()), draws[:, 0]))
