"""Intervals of shares of images (sensitivity, specificity, recalls) and of means of them, also at 0 and 1.

Shape: N images.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Shaped
from scipy import special

from attnmel.evaluation.statistics.bootstrap import CONFIDENCE, Interval


def wilson_interval(share: float, images: float, confidence: float = CONFIDENCE) -> Interval:
    """Return the score interval of a share of so many independent images (Wilson 1927); NaN for an undefined share.

    It holds at 0 and 1 too. Where images belong together, give the effective number, share (1 - share) / error^2.
    """
    shrunk = float(special.ndtri((1 + confidence) / 2)) ** 2 / images
    centre = (share + shrunk / 2) / (1 + shrunk)
    half = np.sqrt(shrunk * (share * (1 - share) + shrunk / 4)) / (1 + shrunk)
    # At 0 and 1 an end is the share itself, which rounding must not pass.
    return Interval(share, float(np.clip(centre - half, 0, share)), float(np.clip(centre + half, share, 1)))


def share_interval(share: float, error: float, units: int) -> Interval:
    """Return Wilson's interval of a share of the images of so many units, for as many images as have its own error.

    `error` is the jackknife's. Where no unit repeats, that is the number of those images; at 0 and 1, which show no
    error of their own, the number of their units (effective sample size: Korn and Graubard 1998).
    """
    if not error > 0 or share in (0, 1):
        return wilson_interval(share, units)
    # The jackknife's squared error of a share of n images is share (1 - share) / (n - 1).
    return wilson_interval(share, share * (1 - share) / error**2 * units / max(units - 1, 1))


def mean_interval_of(shares: Sequence[Interval]) -> Interval:
    """Return the mean of independent shares, its ends as far off as the shares' own ends add up to in squares.

    Newcombe 1998 (method 10, of a difference) and Zou and Donner 2008: no end leaves [0, 1], and a mean of 1 has a
    lower end.
    """
    values, lows, highs = np.array(shares).T
    below, above = (np.sqrt(((values - ends) ** 2).sum()) / len(values) for ends in (lows, highs))
    value = values.mean()
    return Interval(float(value), float(value - below), float(value + above))


def share(part: Shaped[np.ndarray, "*shape"], whole: Shaped[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Divide; NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole != 0)


def mean_of_defined(values: Float[np.ndarray, "*shape"], axis: int) -> Float[np.ndarray, "*rest"]:
    """Return the mean of the values that are not NaN, as the official programs and scikit-learn do; NaN of none."""
    defined = ~np.isnan(values)
    return share(np.where(defined, values, 0).sum(axis=axis), defined.sum(axis=axis).astype(np.float64))
