"""Several seeds of a recipe on the same images -> mean, spread, and how far both seeds and images could move it.

A recipe's figure is a mean over seeds of a mean over images, and both were drawn: other seeds and other images would
give another one. Readers and cases of a reader study are related in the same way, and this is their model (Obuchowski
and Rockette 1995): figure of a seed = mean + effect of the seed + error, the errors of two seeds being correlated as
they see the same images. The variance of the mean over S seeds is s^2 / S + the covariance of two seeds over images,
where s^2 is the variance between seeds as observed; its degrees of freedom are those of Hillis (2007). Two recipes
share images but no seed, whatever the numbers of their seeds (readers nested in tests: Hillis 2014), and each has a
variance of its own between seeds (Welch 1947). A few seeds may lie together by chance: no variance is taken to be below
that over images alone, which is well known.

Shapes: S seeds, R resamples, P runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

from attnmel.evaluation.statistics.bootstrap import CONFIDENCE, Interval, logit_interval, within_difference


@dataclass(frozen=True)
class SeedEstimate:
    """A mean over seeds, or the difference of two, with its variance over seeds and images."""

    value: float
    variance: float
    freedom: float
    """Degrees of freedom of the variance; infinite where it comes from the images alone."""

    def interval(self, confidence: float = CONFIDENCE) -> Interval:
        """Return the t interval, for differences of measures in [0, 1]; as `within_difference`.

        A 0 without variance is 0 to 0; the ends of another value without one are NaN, as nothing is known of it.
        """
        if self.variance == 0 and self.value != 0:
            return Interval(self.value, np.nan, np.nan)
        half = self._quantile(confidence) * float(np.sqrt(self.variance))
        return within_difference(Interval(self.value, self.value - half, self.value + half))

    def share_interval(self, confidence: float = CONFIDENCE) -> Interval:
        """Return the t interval on the logit scale, for measures in [0, 1]; NaN at 0 and 1, where none is known."""
        return logit_interval(self.value, self.variance, self._quantile(confidence))

    def p(self) -> float:
        """Return the two-sided p that the true value is 0; 1 for a 0 without variance."""
        if self.variance == 0:
            return 1.0 if self.value == 0 else np.nan
        return float(2 * stats.t.sf(abs(self.value) / np.sqrt(self.variance), self.freedom))

    def _quantile(self, confidence: float) -> float:
        return float(stats.t.ppf((1 + confidence) / 2, self.freedom))


def recipe_estimate(values: Float[np.ndarray, " S"], covariance: Float[np.ndarray, "S S"]) -> SeedEstimate:
    """Return the mean over seeds; a single seed has the variance over images alone.

    `covariance` is that of the seeds' figures over images, as DeLong's method or a bootstrap gives it.
    """
    seeds, value = len(values), float(values.mean())
    alone = float(covariance.mean())
    if seeds == 1:
        return SeedEstimate(value, alone, np.inf)
    between = float(values.var(ddof=1)) / seeds
    return _estimate(value, [(between, seeds - 1)], _own(covariance) - _apart(covariance), alone)


def difference_estimate(
    first: Float[np.ndarray, " S"], second: Float[np.ndarray, " T"], covariance: Float[np.ndarray, "P P"]
) -> SeedEstimate:
    """Return second minus first, at least one of the two of several seeds.

    A recipe of one seed is taken to vary between seeds as the other one does. `covariance` is of the seeds of the
    first, then of the second: P = S + T.
    """
    value = float(second.mean() - first.mean())
    seeds = len(first)
    here, there, across = covariance[:seeds, :seeds], covariance[seeds:, seeds:], covariance[:seeds, seeds:]
    shared = 2 * float(across.mean())
    alone = float(here.mean() + there.mean()) - shared
    images = _own(here) + _own(there) - shared
    if len(first) > 1 and len(second) > 1:
        parts = [(float(side.var(ddof=1)) / len(side), len(side) - 1) for side in (first, second)]
        return _estimate(value, parts, images - _apart(here) - _apart(there), alone)
    known, known_covariance = (first, here) if len(first) > 1 else (second, there)
    between = float(known.var(ddof=1)) * (1 / len(first) + 1 / len(second))
    return _estimate(value, [(between, len(known) - 1)], images - 2 * _apart(known_covariance), alone)


def crossed_draws(draws: Float[np.ndarray, "R S"], generator: np.random.Generator) -> Float[np.ndarray, " R"]:
    """Return the mean over seeds drawn with replacement, anew for each resample of images (hierarchical bootstrap)."""
    picks = generator.integers(draws.shape[1], size=draws.shape)
    return np.take_along_axis(draws, picks, axis=1).mean(axis=1)


def _estimate(value: float, between: Sequence[tuple[float, int]], images: float, alone: float) -> SeedEstimate:
    """Join the variance between seeds, with its degrees of freedom, and that over images, taken as known.

    `alone` is the variance over images of the mean of these very seeds.
    """
    variance = max(sum(part for part, _ in between) + max(images, 0), alone, 0)
    spread = sum(part**2 / freedom for part, freedom in between)
    return SeedEstimate(value, variance, variance**2 / spread if spread > 0 else np.inf)


def _own(covariance: Float[np.ndarray, "S S"]) -> float:
    """Mean variance of one seed over images."""
    return float(covariance.diagonal().mean())


def _apart(covariance: Float[np.ndarray, "S S"]) -> float:
    """How much of it two seeds do not share; the variance between seeds holds it already."""
    seeds = len(covariance)
    together = (covariance.sum() - covariance.trace()) / (seeds * (seeds - 1))
    return _own(covariance) - float(together)
