"""Log odds and truth -> intercept and slope of calibration (Cox 1958), for many resamples at once.

Shapes: N images, R resamples.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import expit

STEPS = 30
"""Newton steps; a resample that needs more has no finite answer, as where the classes are separated."""

LONGEST_STEP = 2.0
TOLERANCE = 1e-4
"""The step after one this long is about its square."""

Values = Float[np.ndarray, " R"]


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
    found = np.full(len(weights), start)
    step = np.full_like(found, np.inf)
    hits = weights @ positive.astype(np.float64)
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
    design = np.stack([np.ones_like(log_odds), log_odds], axis=1)
    products = np.stack([np.ones_like(log_odds), log_odds, log_odds**2], axis=1)
    found = np.tile(start, (len(weights), 1))
    step = np.full_like(found, np.inf)
    hits = weights @ (design * positive[:, None])
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
