"""Scores of images that an SVM was not fitted on -> a logistic function that gives probabilities. No torch.

Platt, "Probabilistic outputs for support vector machines" (1999): p = 1 / (1 + exp(-(a s + b))), fitted to targets a
little inside 0 and 1, so that scores without error still give a finite slope.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64
from scipy.optimize import minimize
from scipy.special import expit


class Logistic(NamedTuple):
    """The slope and offset of p = 1 / (1 + exp(-(slope s + offset)))."""

    slope: float
    offset: float

    def __call__(self, scores: Float64[np.ndarray, "..."]) -> Float64[np.ndarray, "..."]:
        """Return the probabilities of scores."""
        return expit(self.slope * scores + self.offset)


def fit_logistic(scores: Float64[np.ndarray, " N"], positive: Bool[np.ndarray, " N"]) -> Logistic:
    """Fit to scores of both sides; the slope is not below 0, so that a higher score is never less probable.

    Scores that rank worse than by chance give a slope of 0: the share of positives for every image.
    """
    count = int(positive.sum())
    targets = np.where(positive, (count + 1) / (count + 2), 1 / (len(scores) - count + 2))
    centre, spread = float(scores.mean()), float(scores.std()) or 1.0
    unit = (scores - centre) / spread

    def loss(at: np.ndarray) -> tuple[float, np.ndarray]:
        logits = at[0] * unit + at[1]
        left = expit(logits) - targets
        return float((np.logaddexp(0, logits) - targets * logits).sum()), np.array([(left * unit).sum(), left.sum()])

    start = np.array([1.0, np.log((count + 1) / (len(scores) - count + 1))])
    options = {"maxiter": 1000, "ftol": 1e-15, "gtol": 1e-10}
    slope, offset = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None), (None, None)], options=options
    ).x.tolist()
    return Logistic(slope / spread, offset - slope * centre / spread)
