"""Figures with their intervals, for statistics of which many are drawn on the same resamples.

Shapes: N images, R resamples, M figures.
"""

import numpy as np
from jaxtyping import Float, Shaped

from attnmel.evaluation.intervals import (
    CONFIDENCE,
    RESAMPLES,
    Interval,
    Sampling,
    Statistic,
    bootstrap,
    percentile_interval,
)

NOTHING = Interval(np.nan, np.nan, np.nan)
"""A figure that is not defined."""


def estimate(
    statistic: Statistic, sampling: Sampling, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Interval, ...]:
    """Return each column of the statistic on the images as they are, with its percentile interval."""
    values = statistic(np.ones((1, len(sampling.unit))))[0]
    draws = bootstrap(statistic, sampling, resamples=resamples, seed=seed)
    return tuple(percentile_interval(float(value), draws[:, column]) for column, value in enumerate(values))


def estimate_shares(
    parts: Float[np.ndarray, "N M"],
    wholes: Float[np.ndarray, "N M"],
    sampling: Sampling,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[Interval, ...]:
    """Return the share of each whole that is in the part, with its interval; NaN of an empty whole.

    `parts` and `wholes` hold what one image adds to each sum: 0 or 1 for a sensitivity, 2 in the part of an F1.
    """
    both = np.concatenate([parts, wholes], axis=1)
    figures = parts.shape[1]

    def shares(weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R M"]:
        sums = weights @ both
        return share(sums[:, :figures], sums[:, figures:])

    estimated = estimate(shares, sampling, resamples=resamples, seed=seed)
    return tuple(or_exact(one, float(whole)) for one, whole in zip(estimated, wholes.sum(axis=0), strict=True))


def or_exact(interval: Interval, whole: float) -> Interval:
    """Return an interval of a share of `whole` images as it is, or the exact one where no resample differs.

    None or all of a whole stay none or all in every resample, as if nothing were uncertain; there the interval is that
    of Clopper and Pearson (1934), (alpha / 2)^(1 / whole) from the end.
    """
    if interval.value not in (0.0, 1.0) or interval.low < interval.high or not whole:
        return interval
    reach = 1 - ((1 - CONFIDENCE) / 2) ** (1 / whole)
    return Interval(0.0, 0.0, reach) if interval.value == 0 else Interval(1.0, 1 - reach, 1.0)


def share(part: Shaped[np.ndarray, "*shape"], whole: Shaped[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Divide; NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole != 0)
