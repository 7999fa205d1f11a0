"""Prepared images -> histograms of colour, of edges and of local binary patterns, and small patches. No torch.

Shapes: B images, s side in pixels, D numbers an image, T patches an image. Each histogram sums to 1.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float32, UInt8
from PIL import Image
from scipy import ndimage

from attnmel.features.packages import needed

Pixels = UInt8[np.ndarray, "B s s 3"]

LBP_POINTS = 8
UNIFORM_PATTERNS = LBP_POINTS + 2
"""Rotation-invariant uniform patterns of 8 points, and one for all others (Ojala, Pietikäinen and Mäenpää 2002)."""

STRONGEST_EDGE = 1.5
"""Of the magnitude of scipy's Sobel filter divided by 4, on grey in [0, 1]: sqrt 2 at most."""

GREY = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in the luminance (ITU-R BT.601), as PIL converts to "L"."""


def central_share(pixels: Pixels, share: float, side: int) -> UInt8[np.ndarray, "B t t 3"]:
    """Return the central square of a share of the images' side, resized with antialiasing to `side` pixels."""
    from_side = pixels.shape[1]
    edge = (1 - share) / 2 * from_side
    box = (edge, edge, from_side - edge, from_side - edge)
    if share == 1 and from_side == side:
        return pixels
    resized = [Image.fromarray(one).resize((side, side), Image.Resampling.BILINEAR, box=box) for one in pixels]
    return np.stack([np.asarray(one) for one in resized])


def colour_histograms(pixels: Pixels, bins: int) -> Float32[np.ndarray, "B D"]:
    """Return the joint histogram of red, green and blue, with bins^3 numbers."""
    levels = pixels.astype(np.int64) * bins // 256
    cells = (levels[..., 0] * bins + levels[..., 1]) * bins + levels[..., 2]
    return _shares([*cells.reshape(len(pixels), -1)], bins**3)


def edge_histograms(pixels: Pixels, bins: int, cells: int) -> Float32[np.ndarray, "B D"]:
    """Return histograms of the edges' directions in each of cells x cells squares, and of their strengths in all.

    A direction, modulo 180 degrees, counts by its strength; a square without an edge is all 0.
    """
    rows = [_edges_of(one, bins, cells) for one in grey(pixels)]
    return np.stack(rows).astype(np.float32)


def lbp_histograms(pixels: Pixels, radii: Sequence[int]) -> Float32[np.ndarray, "B D"]:
    """Return the histogram of uniform local binary patterns of each channel at each radius, one after another."""
    rows = [[_patterns(image[..., c], radius) for c in range(3) for radius in radii] for image in pixels]
    return np.stack([_shares(one, UNIFORM_PATTERNS).ravel() for one in rows])


def patches(pixels: Pixels, patch: int, *, colour: bool) -> UInt8[np.ndarray, "B T D"]:
    """Return the patches of a regular grid, row by row, each as its pixels; what is left at the border is not used."""
    values = pixels if colour else (grey(pixels) * 255).round().astype(np.uint8)[..., None]
    count = values.shape[1] // patch
    grid = values[:, : count * patch, : count * patch].reshape(len(values), count, patch, count, patch, -1)
    return np.ascontiguousarray(grid.transpose(0, 1, 3, 2, 4, 5)).reshape(len(values), count**2, -1)


def grey(pixels: Pixels) -> Float[np.ndarray, "B s s"]:
    """Return the luminance in [0, 1]."""
    return pixels.astype(np.float64) @ np.array(GREY) / 255


def _edges_of(image: Float[np.ndarray, "s s"], bins: int, cells: int) -> Float[np.ndarray, " D"]:
    across, down = ndimage.sobel(image, axis=1) / 4, ndimage.sobel(image, axis=0) / 4
    strength, direction = np.hypot(across, down), np.arctan2(down, across) % np.pi
    place = np.minimum((direction / np.pi * bins).astype(np.int64), bins - 1)
    square = np.arange(len(image)) * cells // len(image)
    cell = square[:, None] * cells + square[None]
    directions = np.bincount((cell * bins + place).ravel(), strength.ravel(), cells**2 * bins).reshape(-1, bins)
    total = directions.sum(axis=1, keepdims=True)
    directions = np.divide(directions, total, out=np.zeros_like(directions), where=total > 0)
    strengths, _ = np.histogram(strength, bins=bins, range=(0, STRONGEST_EDGE))
    return np.concatenate([directions.ravel(), strengths / strength.size])


def _patterns(channel: UInt8[np.ndarray, "s s"], radius: int) -> np.ndarray:
    codes = needed("skimage.feature").local_binary_pattern(channel, LBP_POINTS, radius, method="uniform")
    # Nearer to the border a pattern would compare with black beyond it.
    return codes[radius:-radius, radius:-radius].astype(np.int64).ravel()


def _shares(places: Sequence[np.ndarray], bins: int) -> Float32[np.ndarray, "B D"]:
    return np.stack([np.bincount(one, minlength=bins) / len(one) for one in places]).astype(np.float32)
