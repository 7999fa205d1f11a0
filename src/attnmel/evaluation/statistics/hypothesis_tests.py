"""Exact test of two predictors' decisions, the correction of many p values, and the difference a test can show."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool
from scipy import optimize, stats
from scipy.special import ndtr

LEVEL = 0.05
"""A difference counts as shown below it."""

POWER = 0.8
"""Probability with which a detectable difference is shown."""

QUANTILES = (np.arange(2000) + 0.5) / 2000


def discordant(first: Bool[np.ndarray, " N"], second: Bool[np.ndarray, " N"]) -> tuple[int, int]:
    """Count the images that the first alone has right, and those that the second alone has."""
    return int((first & ~second).sum()), int((second & ~first).sum())


def mcnemar_p(first_alone: int, second_alone: int) -> float:
    """Return the exact two-sided p of McNemar's test; 1 where the two predictors never disagree.

    Of the images on which they disagree, each is as often right as the other if they are equal: a binomial test with
    one half (McNemar 1947; exact form as in Agresti 2013, section 11.1).
    """
    if first_alone + second_alone == 0:
        return 1.0
    return float(stats.binomtest(first_alone, first_alone + second_alone, 0.5).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return each p so corrected that one false claim among all of them is no likelier than `LEVEL` (Holm 1979).

    The smallest p is multiplied by how many there are, the next by one less, and so on; none falls below one before it.
    What is not defined (NaN) is no test and does not count.
    """
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")  # NaN comes last
    count = int((~np.isnan(values)).sum())
    corrected = np.full(len(values), np.nan)
    steps = values[order[:count]] * np.arange(count, 0, -1)
    corrected[order[:count]] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected.tolist()


def detectable_difference(error: float, freedom: float, level: float = LEVEL, power: float = POWER) -> float:
    """Return the smallest true difference that a two-sided t test at `level` finds with probability `power`.

    `error` is the standard error of the estimated difference, `freedom` its degrees of freedom; infinite for a normal
    test. It depends on the design and the noise alone, not on the difference that was found. NaN without an error.
    The noncentral t is averaged over quantiles of its chi-squared, since scipy's does not converge where there are few
    degrees of freedom; the tail on the other side, below level / 2, is left out.
    """
    if not error > 0:
        return math.nan
    critical = float(stats.t.isf(level / 2, freedom))
    spread = np.ones(1) if math.isinf(freedom) else np.sqrt(stats.chi2.ppf(QUANTILES, freedom) / freedom)
    highest = critical * float(spread.max()) + 10
    found = optimize.root_scalar(
        lambda shift: float(ndtr(shift - critical * spread).mean()) - power, bracket=(0, highest), method="brentq"
    )
    return float(found.root) * error
