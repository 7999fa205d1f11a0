"""Figures with their 95 % intervals, each kind by the method that the measures of a run have, too.

Shares of images have Wilson's interval, smooth figures between 0 and 1 the jackknife's on the logit scale; both by
lesion or patient. What no jackknife can follow, such as a threshold chosen anew, has the percentile bootstrap's.

Shapes: N images, R resamples or units that are left out, M figures, C columns that are summed.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Shaped

from attnmel.evaluation.statistics.bootstrap import (
    RESAMPLES,
    Interval,
    Statistic,
    bootstrap,
    jackknife_of,
    logit_interval,
    percentile_interval,
)
from attnmel.evaluation.statistics.left_out import Units, sums_without
from attnmel.evaluation.statistics.proportions import share, share_interval
from attnmel.evaluation.statistics.sampling import Sampling

NOTHING = Interval(np.nan, np.nan, np.nan)
"""A figure that is not defined."""


def estimate(
    statistic: Statistic, sampling: Sampling, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Interval, ...]:
    """Return each column of the statistic on the images as they are, with its percentile interval."""
    values = statistic(np.ones((1, len(sampling.unit))))[0].tolist()
    draws = bootstrap(statistic, sampling, resamples=resamples, seed=seed)
    return tuple(percentile_interval(value, draws[:, column]) for column, value in enumerate(values))


def estimate_smooth(
    values: Float[np.ndarray, " M"],
    without: Callable[[Units], Float[np.ndarray, "R M"]],
    sampling: Sampling,
    width: int | None = None,
) -> tuple[Interval, ...]:
    """Return each of some values in [0, 1] with the logit interval of `jackknife_of`."""
    errors = jackknife_of(without, sampling, width).error.tolist()
    return tuple(logit_interval(value, error**2) for value, error in zip(values.tolist(), errors, strict=True))


def estimate_of_sums(
    statistic: Callable[[Float[np.ndarray, "R C"]], Float[np.ndarray, "R M"]],
    columns: Shaped[np.ndarray, "N C"],
    sampling: Sampling,
) -> tuple[Interval, ...]:
    """Return a statistic in [0, 1] of the sums of some columns over all images, with the jackknife's logit interval."""
    without = sums_without(columns, sampling)
    value = statistic(columns.sum(axis=0, dtype=np.float64)[None])[0]
    return estimate_smooth(value, lambda units: statistic(without(units)), sampling, columns.shape[1])


def estimate_shares(
    parts: Bool[np.ndarray, "N M"], wholes: Bool[np.ndarray, "N M"], sampling: Sampling
) -> tuple[Interval, ...]:
    """Return the share of each whole's images that are in the part, with Wilson's interval; NaN of an empty whole."""
    both = np.concatenate([parts, wholes], axis=1)
    without = sums_without(both, sampling)

    def shares(units: Units) -> Float[np.ndarray, "R M"]:
        return share(*np.split(without(units), 2, axis=1))

    values = share(parts.sum(axis=0), wholes.sum(axis=0)).tolist()
    errors = jackknife_of(shares, sampling, both.shape[1]).error.tolist()
    return tuple(
        share_interval(value, error, sampling.among(whole)) if whole.any() else NOTHING
        for value, error, whole in zip(values, errors, wholes.T, strict=True)
    )
