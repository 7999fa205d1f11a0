"""Predictions of a validation split -> the one number that their logits are divided by to be calibrated.

Guo, Pleiss, Sun and Weinberger 2017: softmax(logits / T) with T > 0 keeps the order of the classes of every image, so
no image is called otherwise. log p differs from the logits by one number an image, which a softmax does not see:
softmax(log p / T) is the same, and a predictions file is all that is needed.

Shapes: N images, K classes, R resamples, G temperatures tried.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq
from scipy.special import logsumexp, softmax

from attnmel.config.fields import HIGHEST_TEMPERATURE, LOWEST_TEMPERATURE
from attnmel.errors import ConfigError, listed
from attnmel.evaluation.statistics.bootstrap import RESAMPLES, Interval, bootstrap, percentile_interval
from attnmel.evaluation.statistics.sampling import Sampling
from attnmel.number_formats import TO, span
from attnmel.records import Predictions

FLOOR = float(np.finfo(np.float64).eps)
"""A probability below it counts as this much where a logarithm is taken, as in scikit-learn's log_loss."""

LEAST = 10
"""Fewer images say nothing of a temperature. A floor, not a recommendation: the interval tells how little they say."""

DECIMALS = 6
"""Digits kept of a temperature: below them lies what the order of additions changes, above them what is known."""

SUMS_TO_1 = 1e-3
"""How far a row of probabilities may be from a sum of 1: beyond, its columns were made one by one, such as ranks or
several classes each against the rest, and softmax(log p / T) would change their order over the images."""

AROUND = 0.3
"""Difference of log temperatures from the fitted one up to which they are looked at first: 1.35 times to each side."""

TRIED = 400
"""Temperatures at which a resample's loss is looked at: 1.5 % apart, then a parabola through the lowest three."""


@dataclass(frozen=True)
class Temperature:
    """What divides the logits, or why nothing should."""

    value: float
    """NaN where none can be fitted."""
    images: int
    """Labelled images that it was fitted on."""
    reason: str = ""
    """Why there is none; empty where there is one."""


def fit_temperature(predictions: Predictions) -> Temperature:
    """Find the T between the limits that minimises the log loss of softmax(log p / T), on the labelled images.

    The loss is convex in 1 / T, so T is where its slope is 0. There is none where too few images are labelled, where
    all are of one class, where the rows do not sum to 1, or where the slope keeps its sign between the limits: images
    that are all predicted right ask for ever sharper probabilities, images that are predicted worse than by chance for
    ever flatter ones, and scores that are far too large or too small for a T beyond a limit.
    """
    logs, true = _logarithms(predictions)
    images = len(true)
    if not np.isfinite(logs).all():
        return Temperature(math.nan, images, "a probability is not finite")
    if images < LEAST:
        return Temperature(math.nan, images, f"{images} labelled images are too few, expected at least {LEAST}")
    if len(set(predictions.labels.tolist()) - {-1}) < 2:
        return Temperature(math.nan, images, f"all {images} labelled images are of one class")
    sums = predictions.probabilities.sum(axis=1)
    if np.abs(sums - 1).max() > SUMS_TO_1:
        reason = f"the probabilities of an image do not sum to 1 ({span((sums.min(), sums.max()), 2, to=TO)})"
        return Temperature(math.nan, images, reason)

    def slope(log_temperature: float) -> float:
        """Derivative of the loss after 1 / T."""
        shares = softmax(logs * math.exp(-log_temperature), axis=1)
        return float(((shares * logs).sum(axis=1) - true).mean())

    low, high = math.log(LOWEST_TEMPERATURE), math.log(HIGHEST_TEMPERATURE)
    if slope(math.inf) >= 0:
        return Temperature(math.nan, images, f"the {images} images are predicted no better than by chance")
    if slope(high) >= 0:
        reason = f"the scores are too large: the {images} images ask for a temperature above {HIGHEST_TEMPERATURE:g}"
        return Temperature(math.nan, images, reason)
    # All correct is checked separately: there the slope is 0 but for rounding.
    if (true == logs.max(axis=1)).all():
        reason = f"all {images} images are predicted right, so that no probability is sharp enough"
        return Temperature(math.nan, images, reason)
    if slope(low) <= 0:
        reason = f"the scores are too small: the {images} images ask for a temperature below {LOWEST_TEMPERATURE:g}"
        return Temperature(math.nan, images, reason)
    return Temperature(round(math.exp(brentq(slope, low, high, xtol=1e-12)), DECIMALS), images)  # pyright: ignore[reportArgumentType] - a float without full_output


def temperature_interval(
    predictions: Predictions, fitted: Temperature, *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Return a fitted temperature with its percentile interval over resampled groups, ends at the limits at the most.

    NaN where there is none.
    """
    if math.isnan(fitted.value):
        return Interval(math.nan, math.nan, math.nan)
    logs, true = _logarithms(predictions)
    tried = np.linspace(math.log(LOWEST_TEMPERATURE), math.log(HIGHEST_TEMPERATURE), TRIED)
    inverse = np.exp(-tried)
    # The loss has one minimum (see `fit_temperature`), which most resamples have near the fitted temperature.
    middle = np.clip(math.log(fitted.value), tried[0], tried[-1])
    around = slice(*np.searchsorted(tried, [middle - AROUND, middle + AROUND]).tolist())
    near = _losses(logs, true, inverse[around])
    known = predictions.labels >= 0
    groups = [group for group, keep in zip(predictions.groups, known, strict=True) if keep]

    def lowest(weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R 1"]:
        losses = weights @ near
        found = _lowest(losses, tried[around])
        ends = np.isin(losses.argmin(axis=1), (0, losses.shape[1] - 1))
        if ends.any():
            found[ends] = _lowest(weights[ends] @ _losses(logs, true, inverse), tried)
        return np.exp(found)[:, None]

    draws = bootstrap(lowest, Sampling.of(groups), resamples=resamples, seed=seed)
    return percentile_interval(fitted.value, draws[:, 0])


def _losses(
    logs: Float[np.ndarray, "N K"], true: Float[np.ndarray, " N"], inverse: Float[np.ndarray, " G"]
) -> Float[np.ndarray, "N G"]:
    """Return the loss of each image at each temperature, given as its inverse."""
    return np.stack([logsumexp(logs * one, axis=1) - true * one for one in inverse.tolist()], axis=1)


def at_temperature(predictions: Predictions, temperature: float | None) -> Predictions:
    """Return uncalibrated predictions with probabilities softmax(log p / T); None changes nothing.

    At T = 1 they are the same to the last bit. A probability of 0 stays 0.

    Raises:
        ConfigError: a temperature that is not a positive number.
    """
    if temperature is None:
        return predictions
    if not 0 < temperature < math.inf:
        raise ConfigError(f"a temperature must be a positive number, got {temperature}")
    shares = predictions.probabilities.astype(np.float64)
    if temperature != 1:
        logs = np.log(shares, out=np.full_like(shares, -np.inf), where=shares > 0)
        shares = softmax(logs / temperature, axis=1)
    return dataclasses.replace(predictions, probabilities=shares, temperature=temperature)


def uncalibrated_among(temperatures: Mapping[str, float | None]) -> str:
    """Return which names have no temperature, as the beginning of a sentence; empty where all or none have one."""
    without = [name for name, one in temperatures.items() if one is None]
    if not without or len(without) == len(temperatures):
        return ""
    are = "are" if len(without) > 1 else "is"
    return f"{listed(without)} {are} not calibrated, unlike the others"


def without_temperature(predictions: Predictions) -> Predictions:
    """Return the uncalibrated predictions that were brought to a temperature; the same but for rounding."""
    if predictions.temperature is None:
        return predictions
    sharper = dataclasses.replace(predictions, temperature=None)
    return dataclasses.replace(at_temperature(sharper, 1 / predictions.temperature), temperature=None)


def log_probabilities(probabilities: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Return logarithms, finite at a probability of 0."""
    return np.log(np.maximum(probabilities, FLOOR))


def _logarithms(predictions: Predictions) -> tuple[Float[np.ndarray, "N K"], Float[np.ndarray, " N"]]:
    """Return the log probabilities of the labelled images, and of their true classes."""
    known = predictions.labels >= 0
    logs = log_probabilities(predictions.probabilities[known].astype(np.float64))
    return logs, logs[np.arange(len(logs)), predictions.labels[known]]


def _lowest(losses: Float[np.ndarray, "R G"], tried: Float[np.ndarray, " G"]) -> Float[np.ndarray, " R"]:
    """Return where a parabola through the lowest loss and its neighbours is lowest; an end where that is lowest."""
    place = losses.argmin(axis=1)
    inner = np.clip(place, 1, len(tried) - 2)
    before, here, after = (losses[np.arange(len(losses)), inner + step] for step in (-1, 0, 1))
    bend = before - 2 * here + after
    shift = np.divide(before - after, 2 * bend, out=np.zeros_like(bend), where=bend > 0)
    found = tried[inner] + np.clip(shift, -1, 1) * (tried[1] - tried[0])
    return np.where(place == inner, found, tried[place])
