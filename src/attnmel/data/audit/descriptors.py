"""Prepared images -> what two copies of one picture share: structure that survives recolouring, size and compression.

Legend of shapes: N images, S prepared side, f side of the fine structure, m of the middle one, c of the coarse one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int8, UInt8
from scipy.ndimage import binary_dilation, label

SIDE = 128
"""Side in pixels of the prepared images that are audited: the whole central square."""

CROP = 1.0
"""Share of the shorter side that is audited."""

FINE, MIDDLE, COARSE = 64, 32, 16

# Luma of Rec. 601.
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)

# Widths of the Gaussians, in pixels of each scale, beyond which light and shade are taken out.
FINE_WIDTH, MIDDLE_WIDTH, COARSE_WIDTH = 2.0, 3.0, 2.0

# Grey levels: contrast below this is noise of the sensor or of JPEG, and is not amplified.
NOISE = 0.5

# A picture through a round opening has a black frame, alike in pictures that have nothing else in common: what is
# darker than this and joined to the border is left out, with a seam as wide as the fine filter reaches.
DARK = 30
SEAM = 4

# Structure is kept as whole numbers: this many steps to one local deviation.
STEPS = 24.0


@dataclass(frozen=True)
class Signatures:
    """The structure of images at three scales, row by row the same images."""

    coarse: Float32[np.ndarray, "N D"]
    """Of unit length, so that products are correlations."""
    middle: Int8[np.ndarray, "N m m"]
    fine: Int8[np.ndarray, "N f f"]
    inside: Bool[np.ndarray, "N f f"]
    """False in a black frame."""


def signatures(chunks: Iterable[UInt8[np.ndarray, "B S S 3"]]) -> Signatures:
    """Return the signatures of images that come some at a time, each `SIDE` pixels wide, in their order."""
    parts = [_signatures(chunk) for chunk in chunks]
    return Signatures(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("coarse", "middle", "fine", "inside"))
    )


def _signatures(images: UInt8[np.ndarray, "B S S 3"]) -> Signatures:
    grey = _grey(images)
    inside = _inside(grey)
    small = pooled(grey, MIDDLE)
    coarse = pooled(small, COARSE)
    coarse = (coarse - blurred(coarse, COARSE_WIDTH)).reshape(len(coarse), -1)
    coarse -= coarse.mean(axis=1, keepdims=True)
    coarse /= np.linalg.norm(coarse, axis=1, keepdims=True) + NOISE
    return Signatures(
        coarse=coarse,
        middle=_steps(_structure(small, MIDDLE_WIDTH, pooled(inside.astype(np.float32), MIDDLE) > 0.5)),
        fine=_steps(_structure(grey, FINE_WIDTH, inside)),
        inside=inside,
    )


def _grey(images: UInt8[np.ndarray, "B S S 3"]) -> Float32[np.ndarray, "B f f"]:
    # Summed before they are mixed: a quarter of the work.
    block = images.shape[1] // FINE
    sums = sum(
        (images[:, row::block, column::block].astype(np.uint16) for row in range(block) for column in range(block)),
        start=np.zeros((), dtype=np.uint16),
    )
    return sums.astype(np.float32) @ (LUMA / block**2)


def pooled(images: Float32[np.ndarray, "B S S"], side: int) -> Float32[np.ndarray, "B s s"]:
    """Return the means of square blocks; the side is a divisor of the images'."""
    block = images.shape[1] // side
    return images.reshape(len(images), side, block, side, block).mean(axis=(2, 4), dtype=np.float32)


def blurred(images: Float32[np.ndarray, "B s s"], width: float) -> Float32[np.ndarray, "B s s"]:
    """Return the images under a Gaussian of that deviation in pixels, weights renormalised at the border."""
    place = np.arange(images.shape[1])
    weights = np.exp(-((place[:, None] - place) ** 2) / (2 * width**2))
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return weights @ images @ weights.T


def _structure(
    grey: Float32[np.ndarray, "B s s"], width: float, inside: Bool[np.ndarray, "B s s"]
) -> Float32[np.ndarray, "B s s"]:
    """Return what is lighter or darker than its surroundings, in units of the contrast there; 0 outside.

    Dividing by local contrast lets a hair count as much as the lesion's border, and undoes most of a recolouring.
    """
    detail = grey - blurred(grey, width)
    contrast = np.sqrt(blurred(detail**2, width))
    within = inside.astype(np.float32)
    typical = (contrast * within).sum(axis=(1, 2), keepdims=True) / within.sum(axis=(1, 2), keepdims=True).clip(1)
    return within * detail / (contrast + typical / 2 + NOISE)


def _steps(structure: Float32[np.ndarray, "B s s"]) -> Int8[np.ndarray, "B s s"]:
    return (structure * STEPS).round().clip(-127, 127).astype(np.int8)


def _inside(grey: Float32[np.ndarray, "B f f"]) -> Bool[np.ndarray, "B f f"]:
    inside = np.ones(grey.shape, dtype=bool)
    dark = grey < DARK
    edges = dark[:, [0, -1]].any(axis=(1, 2)) | dark[:, :, [0, -1]].any(axis=(1, 2))
    for row in np.flatnonzero(edges):
        areas = np.zeros(dark[row].shape, dtype=np.int32)
        label(dark[row], output=areas)
        border = np.unique(np.concatenate([areas[[0, -1]].ravel(), areas[:, [0, -1]].ravel()]))
        frame = np.isin(areas, border[border > 0])
        inside[row] = ~np.asarray(binary_dilation(frame, iterations=SEAM), dtype=bool)
    return inside
