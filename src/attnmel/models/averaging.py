"""Probabilities of an image by its scores, and their mean over several squares of it. No torch."""

import numpy as np

from attnmel.shapes import Float, Float64


def averaged(
    uncalibrated: Float[np.ndarray, "N squares K"], temperature: float | None = None
) -> Float64[np.ndarray, "N K"]:
    """Return the mean p over squares at a temperature T, None for 1: softmax(log(p) / T) = p^(1/T) / sum p^(1/T).

    The mean is of uncalibrated probabilities, as `evaluate` takes it of which the temperature is fitted.
    """
    mean = uncalibrated.astype(np.float64).mean(axis=1)
    powers = (mean / mean.max(axis=1, keepdims=True)) ** (1 / (1 if temperature is None else temperature))
    return powers / powers.sum(axis=1, keepdims=True)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the softmax over the last axis, in double precision."""
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
