"""Figures with their 95 % intervals, each kind by the method that the measures of a run have, too.

Shares of images have Wilson's interval, smooth figures between 0 and 1 the jackknife's on the logit scale; both by
lesion or patient. What no jackknife can follow, such as a threshold chosen anew, has the percentile bootstrap's.

Shapes: N images, R resamples, M figures.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from attnmel.evaluation.statistics.bootstrap import (
    RESAMPLES,
    Interval,
    Sampling,
    Statistic,
    bootstrap,
    jackknife,
    logit_interval,
    percentile_interval,
)
from attnmel.evaluation.statistics.proportions import share, share_interval

NOTHING = Interval(np.nan, np.nan, np.nan)
"""A figure that is not defined."""


def estimate(
    statistic: Statistic, sampling: Sampling, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Interval, ...]:
    """Return each column of the statistic on the images as they are, with its percentile interval."""
    values = statistic(np.ones((1, len(sampling.unit))))[0].tolist()
    draws = bootstrap(statistic, sampling, resamples=resamples, seed=seed)
    return tuple(percentile_interval(value, draws[:, column]) for column, value in enumerate(values))


def estimate_smooth(statistic: Statistic, sampling: Sampling) -> tuple[Interval, ...]:
    """Return each column of a statistic in [0, 1] on the images as they are, with the jackknife's logit interval."""
    values = statistic(np.ones((1, len(sampling.unit))))[0].tolist()
    errors = jackknife(statistic, sampling).error.tolist()
    return tuple(logit_interval(value, error**2) for value, error in zip(values, errors, strict=True))


def estimate_shares(
    parts: Bool[np.ndarray, "N M"], wholes: Bool[np.ndarray, "N M"], groups: Sequence[str], sampling: Sampling
) -> tuple[Interval, ...]:
    """Return the share of each whole's images that are in the part, with Wilson's interval; NaN of an empty whole."""
    both = np.concatenate([parts, wholes], axis=1).astype(np.float64)

    def shares(weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R M"]:
        return share(*np.split(weights @ both, 2, axis=1))

    values = shares(np.ones((1, len(both))))[0].tolist()
    errors = jackknife(shares, sampling).error.tolist()
    return tuple(
        share_interval(value, error, groups, whole) if whole.any() else NOTHING
        for value, error, whole in zip(values, errors, wholes.T, strict=True)
    )
