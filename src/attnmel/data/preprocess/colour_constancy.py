"""Colour constancy: a prepared image as it would look under white light. No torch."""

import numpy as np

from attnmel.config.settings.colours import NO_COLOUR_CONSTANCY
from attnmel.shapes import Float64, UInt8

MINKOWSKI = 6.0
"""Norm of shades of grey that Finlayson and Trezzi (Color Imaging Conference, 2004) found best."""


def colour_corrected(square: UInt8[np.ndarray, "h w 3"], colour_constancy: str) -> UInt8[np.ndarray, "h w 3"]:
    """Return a prepared square by the recipe's `data.colour_constancy`; as it is where that is "none"."""
    return square if colour_constancy == NO_COLOUR_CONSTANCY else shades_of_grey(square)


def shades_of_grey(pixels: UInt8[np.ndarray, "h w 3"], norm: float = MINKOWSKI) -> UInt8[np.ndarray, "h w 3"]:
    """Divide red, green and blue by the colour of the light, estimated by the Minkowski norm of each channel.

    A channel is multiplied by m / e_c with e_c = (mean of its p-th powers)^(1/p) and m = |e| / sqrt(3), so that grey
    light changes nothing; p = 1 is grey-world and p = infinity white patch. Rounded to whole levels, at most 255; a
    channel that is 0 everywhere stays so. The values are those of sRGB as stored.
    """
    light = light_of(pixels, norm)
    gains = np.divide(np.sqrt((light**2).mean()), light, out=np.ones(3), where=light > 0)
    return (pixels * gains).round().clip(0, 255).astype(np.uint8)


def light_of(pixels: UInt8[np.ndarray, "h w 3"], norm: float) -> Float64[np.ndarray, " 3"]:
    """Return the estimated red, green and blue of the light, in [0, 1]."""
    counts = np.stack([np.bincount(pixels[..., channel].ravel(), minlength=256) for channel in range(3)])
    levels = np.arange(256) / 255
    if np.isinf(norm):
        return (levels * (counts > 0)).max(axis=1)
    return (counts @ levels**norm / counts.sum(axis=1)) ** (1 / norm)
