"""Exact test of two predictors' decisions, and the correction of many p values."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool
from scipy import stats

LEVEL = 0.05
"""A difference counts as shown below it."""


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
