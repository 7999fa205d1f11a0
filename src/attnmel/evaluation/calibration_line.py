"""Log odds and truth -> intercept and slope of calibration (Cox 1958), for many resamples at once.

Shapes: N images, R resamples.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import expit

STEPS = 40
"""Newton steps; a resample that needs more has no finite answer, as where the classes are separated."""

LONGEST_STEP = 2.0
TOLERANCE = 1e-8

Values = Float[np.ndarray, " R"]


def intercept(
    weights: Float[np.ndarray, "R N"], log_odds: Float[np.ndarray, " N"], positive: Bool[np.ndarray, " N"]
) -> Values:
    """Return a of logit P(positive) = a + log odds, by maximum likelihood: 0 where as many are positive as predicted.

    Above 0 the probabilities are too low on the whole ("calibration in the large"). NaN without a positive or without
    a negative.
    """
    found = np.zeros(len(weights))
    for _ in range(STEPS):
        shares = expit(found[:, None] + log_odds)
        gradient = np.einsum("rn,rn->r", weights, positive - shares)
        curvature = np.einsum("rn,rn->r", weights, shares * (1 - shares))
        step = _bounded(np.divide(gradient, curvature, out=np.full_like(found, np.inf), where=curvature > 0))
        found += step
        if (np.abs(step) < TOLERANCE).all():
            break
    return np.where(np.abs(step) < TOLERANCE, found, np.nan)


def slope(
    weights: Float[np.ndarray, "R N"],
    log_odds: Float[np.ndarray, " N"],
    positive: Bool[np.ndarray, " N"],
) -> Values:
    """Return b of logit P(positive) = a + b log odds, by maximum likelihood: 1 where probabilities are as sharp as true.

    Below 1 they are too extreme, above 1 too timid. NaN where no line is best, as where the classes are separated.
    """
    # Centred, so that a hardly depends on b and Newton's steps stay straight.
    odds = log_odds - log_odds.mean()
    level, found = np.zeros(len(weights)), np.zeros(len(weights))
    for _ in range(STEPS):
        shares = expit(level[:, None] + found[:, None] * odds)
        rest = weights * (positive - shares)
        curvature = weights * (shares * (1 - shares))
        c0, c1, c2 = curvature.sum(axis=1), curvature @ odds, curvature @ odds**2
        g0, g1 = rest.sum(axis=1), rest @ odds
        determinant = c0 * c2 - c1**2
        regular = determinant > 0
        up = np.divide(c2 * g0 - c1 * g1, determinant, out=np.full_like(level, np.inf), where=regular)
        turn = np.divide(c0 * g1 - c1 * g0, determinant, out=np.full_like(level, np.inf), where=regular)
        level += _bounded(up)
        found += _bounded(turn)
        if (np.abs(turn) < TOLERANCE).all():
            break
    return np.where(np.abs(turn) < TOLERANCE, found, np.nan)


def _bounded(step: Values) -> Values:
    return np.clip(step, -LONGEST_STEP, LONGEST_STEP)
