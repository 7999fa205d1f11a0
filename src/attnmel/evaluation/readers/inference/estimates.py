"""A value with its standard error, interval and test, by the t or the normal distribution."""

import math
from dataclasses import dataclass, replace

from scipy import stats

from attnmel.evaluation.statistics.bootstrap import CONFIDENCE

NEGATIVE_VARIANCE = (
    "the estimated variance is negative, as unbiased estimates of a small variance can be, so there is no interval and "
    "no test"
)
NO_VARIANCE = "no variance was found, so there is no interval and no test"
ROUNDING = 1e-24
"""Variance below which it is 0, but for the rounding of sums."""
ONE_READER = "one reader shows no differences between readers, so they cannot be taken as a sample of all readers"


@dataclass(frozen=True)
class Estimate:
    """A value with what is known of its uncertainty; NaN where that is not defined, and `note` says why."""

    value: float
    error: float
    """Standard error."""
    degrees: float
    """Of freedom; infinite for the normal distribution."""
    low: float
    high: float
    p: float = math.nan
    """Two-sided, that a difference is 0; NaN for a value that is no difference."""
    note: str = ""

    def non_inferior(self, margin: float) -> float:
        """Return the one-sided p that a difference is below minus the margin: small where it is not inferior.

        The margin is positive, the smallest loss that would matter.
        """
        if not self.error > 0:
            return math.nan
        return float(stats.t.sf((self.value + margin) / self.error, self.degrees))


def undefined(value: float, note: str) -> Estimate:
    """Return a value of whose uncertainty nothing is known."""
    return Estimate(value, math.nan, math.nan, math.nan, math.nan, math.nan, note)


def t_estimate(
    value: float, variance: float, degrees: float, confidence: float = CONFIDENCE, *, difference: bool = False
) -> Estimate:
    """Return a value with its interval by the t distribution; with infinite degrees of freedom the normal one.

    Without variance, as of perfect readers or of equal scores, there is neither interval nor p, also of a difference of
    0: these readings show no uncertainty, which is not to say that there is none.
    """
    variance = 0.0 if abs(variance) < ROUNDING else variance
    value = 0.0 if difference and value**2 < ROUNDING else value  # or equal means differ by "-0.000"
    if not variance > 0 or math.isnan(degrees):
        return undefined(value, NEGATIVE_VARIANCE if variance < 0 else NO_VARIANCE)
    error = math.sqrt(variance)
    half = float(stats.t.ppf((1 + confidence) / 2, degrees)) * error
    p = float(2 * stats.t.sf(abs(value) / error, degrees)) if difference else math.nan
    return Estimate(value, error, degrees, value - half, value + half, p)


def normal_estimate(
    value: float, variance: float, confidence: float = CONFIDENCE, *, difference: bool = False
) -> Estimate:
    """Return a value with its interval by the normal distribution."""
    return t_estimate(value, variance, math.inf, confidence, difference=difference)


def within(estimate: Estimate, least: float, most: float) -> Estimate:
    """Return the estimate with its interval cut at the ends of the possible values."""
    return (
        replace(estimate, low=min(max(estimate.low, least), most), high=min(max(estimate.high, least), most))
        if estimate.error > 0
        else estimate
    )
