"""Log odds and truth -> intercept and slope of calibration (Cox 1958), for many resamples at once.

A fit needs sums over all images of functions of their log odds, in each step anew. Many images are therefore spread
over `NODES` values of the log odds, once for all resamples, such that polynomials of the fifth degree keep their sums;
those functions are smooth, and theirs change by less than 1e-7 (tests/evaluation/calibration/test_cox_slope.py).

Shapes: N images or nodes, R resamples, M nodes.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float
from scipy.sparse import csc_array
from scipy.special import expit

STEPS = 30
"""Newton steps; a resample that needs more has no finite answer, as where the classes are separated."""

LONGEST_STEP = 2.0
TOLERANCE = 1e-4
"""The step after one this long is about its square."""

NODES = 1024
"""Values of the log odds that more images than these are spread over."""

NEAR = np.arange(-2, 4)
"""Nodes that an image is spread over, around it: a polynomial of the fifth degree goes through their six values."""

LONGEST_NODE = 0.3
"""Log odds of the fitted line between two nodes: up to here its shares are off by at most 0.002 0.3^6 = 2e-6, and
usually by less than 1e-10. A steeper line is fitted to the images themselves."""

Values = Float[np.ndarray, " R"]


def cox_fits(
    log_odds: Float[np.ndarray, " N"], positive: Bool[np.ndarray, " N"]
) -> Callable[[Float[np.ndarray, "R N"]], tuple[Values, Values]]:
    """Return the function that gives each resample's `intercept`, and the slope of its `line`."""
    once, each = np.ones((1, len(log_odds))), _each(log_odds, positive)
    level = float(intercept(once, log_odds, positive)[0])
    start = tuple(line(once, log_odds, positive)[0].tolist())
    if len(log_odds) <= NODES or np.ptp(log_odds) == 0:
        return lambda weights: (
            intercept(weights, log_odds, positive, level),
            line(weights, log_odds, positive, start)[:, 1],
        )
    nodes, spread = spread_over_nodes(log_odds)

    def fitted(weights: Float[np.ndarray, "R N"]) -> tuple[Values, Values]:
        hits, on_nodes = weights @ each, weights @ spread
        levels = _intercept(on_nodes, nodes, hits[:, 0], level)
        slopes = _line(on_nodes, nodes, hits, start)[:, 1]
        steep = ~(np.abs(slopes) * (nodes[1] - nodes[0]) <= LONGEST_NODE)  # or not finite
        if steep.any():
            slopes[steep] = line(weights[steep], log_odds, positive, start)[:, 1]
        return levels, slopes

    return fitted


def spread_over_nodes(log_odds: Float[np.ndarray, " N"]) -> tuple[Float[np.ndarray, " M"], csc_array]:
    """Return the nodes, and how much of each image lies on each: Lagrange's interpolation, as a matrix of N times M."""
    lowest, step = log_odds.min(), np.ptp(log_odds) / (NODES - len(NEAR))
    below = np.floor((log_odds - lowest) / step)
    past = (log_odds - lowest) / step - below
    shares = [np.prod([(past - other) / (one - other) for other in NEAR if other != one], axis=0) for one in NEAR]
    places = below.astype(np.int64) + NEAR[:, None] - NEAR[0]
    rows = np.broadcast_to(np.arange(len(log_odds)), places.shape)
    spread = csc_array((np.ravel(shares), (rows.ravel(), places.ravel())), shape=(len(log_odds), NODES))
    return lowest + step * (np.arange(NODES) + NEAR[0]), spread


def _each(log_odds: Float[np.ndarray, " N"], positive: Bool[np.ndarray, " N"]) -> Float[np.ndarray, "N 2"]:
    """Return what each image adds to the positives, and to their log odds."""
    return np.stack([positive, positive * log_odds], axis=1)


def intercept(
    weights: Float[np.ndarray, "R N"],
    log_odds: Float[np.ndarray, " N"],
    positive: Bool[np.ndarray, " N"],
    start: float = 0.0,
) -> Values:
    """Return a of logit P(positive) = a + log odds, by maximum likelihood: 0 where as many are positive as predicted.

    Above 0 the probabilities are too low on the whole ("calibration in the large"). NaN without a positive or without
    a negative. A `start` near the answer saves steps.
    """
    return _intercept(weights, log_odds, weights @ positive.astype(np.float64), start)


def _intercept(
    weights: Float[np.ndarray, "R N"], log_odds: Float[np.ndarray, " N"], hits: Values, start: float
) -> Values:
    found = np.full(len(weights), start)
    step = np.full_like(found, np.inf)
    for _ in range(STEPS):
        shares = expit(found[:, None] + log_odds)
        spread = shares * (1 - shares)
        gradient = hits - np.einsum("rn,rn->r", weights, shares)
        step = _bounded(_ratio(gradient, np.einsum("rn,rn->r", weights, spread)))
        found += step
        if not (np.abs(step) >= TOLERANCE).any():  # as good as it gets, or NaN
            break
    return np.where(np.abs(step) < TOLERANCE, found, np.nan)


def line(
    weights: Float[np.ndarray, "R N"],
    log_odds: Float[np.ndarray, " N"],
    positive: Bool[np.ndarray, " N"],
    start: tuple[float, float] = (0.0, 0.0),
) -> Float[np.ndarray, "R 2"]:
    """Return a and b of logit P(positive) = a + b log odds, by maximum likelihood: b is 1 where they are sharp enough.

    Below 1 the probabilities are too extreme, above 1 too timid. NaN where no line is best, as where the classes are
    separated. A `start` near the answer saves steps.
    """
    return _line(weights, log_odds, weights @ _each(log_odds, positive), start)


def _line(
    weights: Float[np.ndarray, "R N"],
    log_odds: Float[np.ndarray, " N"],
    hits: Float[np.ndarray, "R 2"],
    start: tuple[float, float],
) -> Float[np.ndarray, "R 2"]:
    design = np.stack([np.ones_like(log_odds), log_odds], axis=1)
    products = np.stack([np.ones_like(log_odds), log_odds, log_odds**2], axis=1)
    found = np.tile(start, (len(weights), 1))
    step = np.full_like(found, np.inf)
    for _ in range(STEPS):
        shares = expit(found @ design.T)
        weighted = weights * shares
        (g0, g1) = (hits - weighted @ design).T
        weighted *= 1 - shares
        c0, c1, c2 = (weighted @ products).T
        determinant = c0 * c2 - c1**2
        step = np.stack([_ratio(c2 * g0 - c1 * g1, determinant), _ratio(c0 * g1 - c1 * g0, determinant)], axis=1)
        step = _bounded(step)
        found += step
        if not (np.abs(step) >= TOLERANCE).any():  # as good as it gets, or NaN
            break
    settled = (np.abs(step) < TOLERANCE).all(axis=1, keepdims=True)
    return np.where(settled, found, np.nan)


def _ratio(part: Values, whole: Values) -> Values:
    """Divide; an endless step where the likelihood is flat, so that it never counts as settled."""
    return np.divide(part, whole, out=np.full_like(part, np.inf), where=whole > 0)


def _bounded(step: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    return np.clip(step, -LONGEST_STEP, LONGEST_STEP)
