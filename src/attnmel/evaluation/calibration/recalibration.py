"""Predictions on labelled images of another place -> offsets of the classes' scores and a temperature. No torch.

A temperature alone cannot mend probabilities that are too high or too low on the whole, as where melanomas are rarer
than in training. The offsets can: softmax((log p + offsets) / T), the bias-corrected temperature scaling of Alexandari,
Kundaje and Shrikumar (ICML 2020), of two classes the logistic recalibration of Cox (1958). Of two classes the order of
the images stays, and with it the AUC.

Shapes: N images, K classes.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from attnmel.config.fields import HIGHEST_TEMPERATURE, LOWEST_TEMPERATURE
from attnmel.errors import PredictionsError, listed
from attnmel.evaluation.calibration.temperature import log_probabilities
from attnmel.records import Predictions

LEAST = 10
"""Fewer images of a class say nothing of its offset."""


class Recalibration(NamedTuple):
    """What is added to the scores of the classes, and what the sums are divided by."""

    offsets: tuple[float, ...]
    """In the order of the classes; their mean is 0."""
    temperature: float

    def __call__(self, predictions: Predictions) -> Predictions:
        """Return uncalibrated predictions at these offsets and this temperature."""
        scores = log_probabilities(predictions.probabilities.astype(np.float64)) + self.offsets
        found = softmax(scores / self.temperature, axis=1)
        return dataclasses.replace(predictions, probabilities=found, temperature=self.temperature)


def fit_recalibration(predictions: Predictions) -> Recalibration:
    """Find the offsets and the temperature with the lowest log loss of the labelled images of uncalibrated predictions.

    Raises:
        PredictionsError: too few images of a class, or images that no temperature between the limits fits.
    """
    counts = [int(predictions.is_class(name).sum()) for name in predictions.classes]
    few = [f"{count} of {name}" for name, count in zip(predictions.classes, counts, strict=True) if count < LEAST]
    if few:
        raise PredictionsError(
            f"a recalibration needs at least {LEAST} images of each class, but there are {listed(few)}; add images"
        )
    return _fitted(predictions)


def cross_fitted(predictions: Predictions, fold_of: Int[np.ndarray, " N"]) -> Predictions:
    """Return the probabilities of each image by the recalibration that the images of the other folds fit.

    Raises:
        PredictionsError: images that no temperature between the limits fits.
    """
    found = np.empty(predictions.probabilities.shape)
    for fold in np.unique(fold_of):
        held = fold_of == fold
        try:
            fitted = _fitted(dataclasses.replace(predictions, labels=np.where(held, -1, predictions.labels)))
        except PredictionsError as error:
            raise PredictionsError(
                f"without the {held.sum():,} images that evaluate the fit, {error}; add images"
            ) from None
        found[held] = fitted(predictions).probabilities[held]
    return dataclasses.replace(predictions, probabilities=found)


def _fitted(predictions: Predictions) -> Recalibration:
    """Minimise the loss by Newton steps: it is convex in 1 / T and offsets / T, the first of which is set to 0."""
    known = predictions.labels >= 0
    logs = log_probabilities(predictions.probabilities[known].astype(np.float64))
    truth = np.eye(len(predictions.classes))[predictions.labels[known]]

    def scores(at: Float[np.ndarray, " K"]) -> Float[np.ndarray, "N K"]:
        return at[0] * logs + np.array([0.0, *at[1:]])

    def loss(at: Float[np.ndarray, " K"]) -> float:
        found = scores(at)
        return float((logsumexp(found, axis=1) - (found * truth).sum(axis=1)).mean())

    def gradient(at: Float[np.ndarray, " K"]) -> Float[np.ndarray, " K"]:
        error = softmax(scores(at), axis=1) - truth
        return np.array([(error * logs).sum(), *error.sum(axis=0)[1:]]) / len(logs)

    def curvature(at: Float[np.ndarray, " K"]) -> Float[np.ndarray, "K K"]:
        shares = softmax(scores(at), axis=1)
        mean = (shares * logs).sum(axis=1, keepdims=True)
        found = np.diag([0.0, *shares.sum(axis=0)[1:]])
        found[1:, 1:] -= (shares.T @ shares)[1:, 1:]
        found[0, 0] = (shares * (logs - mean) ** 2).sum()
        found[0, 1:] = found[1:, 0] = (shares * (logs - mean)).sum(axis=0)[1:]
        return found / len(logs)

    start = np.array([1.0, *np.zeros(len(predictions.classes) - 1)])
    found = minimize(loss, start, method="trust-exact", jac=gradient, hess=curvature, tol=1e-10).x
    inverse, *shifts = found.tolist()
    if not 1 / HIGHEST_TEMPERATURE < inverse < 1 / LOWEST_TEMPERATURE:
        if inverse <= 0:
            why = "they are predicted no better than by chance"
        elif inverse < 1:
            why = f"their scores are too large and ask for one above {HIGHEST_TEMPERATURE:g}"
        elif (scores(found).argmax(axis=1) == truth.argmax(axis=1)).all():
            why = "they are all predicted right, so that no probability is sharp enough"
        else:
            why = f"their scores are too small and ask for one below {LOWEST_TEMPERATURE:g}"
        raise PredictionsError(
            f"no temperature from {LOWEST_TEMPERATURE:g} to {HIGHEST_TEMPERATURE:g} fits the {len(logs):,} images: "
            f"{why}"
        )
    offsets = np.array([0.0, *shifts]) / inverse
    return Recalibration(tuple((offsets - offsets.mean()).tolist()), 1 / inverse)
