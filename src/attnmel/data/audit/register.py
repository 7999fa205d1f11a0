"""Two structures that roughly agree -> the affine map that lays one on the other, and how well they then agree.

Gauss-Newton on the squared difference, in inverse-compositional form: Baker and Matthews, "Lucas-Kanade 20 Years On"
(2004), with the gain of the second structure fitted in each step. All pairs at once.

Legend of shapes: P pairs, s side in pixels. Places are (down, right, 1), from -1 to 1 along a side.
"""

import numpy as np
from jaxtyping import Bool, Float32

STEPS = 3

LONGEST = 0.2
"""No entry of the map changes by more in one step."""

GAINS = (0.2, 5.0)

TINY = np.float32(1e-6)

DAMPING = 0.02
"""Share of the mean curvature that is added to it: keeps flat pairs from leaping."""

Affines = Float32[np.ndarray, "P 2 3"]


def identity(count: int) -> Affines:
    """Return maps that move nothing."""
    return np.tile(np.eye(2, 3, dtype=np.float32), (count, 1, 1))


def registered(
    first: Float32[np.ndarray, "P s s"], second: Float32[np.ndarray, "P s s"], start: Affines, steps: int = STEPS
) -> Affines:
    """Return the places in the second of each place in the first, improved from `start`."""
    count, side = len(first), first.shape[1]
    places = _places(side)
    down, right = (axis * np.float32(side / 2) for axis in np.gradient(first, axis=(1, 2)))
    curvature = _curvature(down.reshape(count, side**2), right.reshape(count, side**2), places)
    curvature += np.eye(6) * (DAMPING * np.trace(curvature, axis1=1, axis2=2) / 6 + TINY)[:, None, None]
    inverse = np.linalg.inv(curvature)
    affines = start
    for _ in range(steps):
        moved, inside = warped(second, affines)
        target = first * inside
        gain = _product(moved, target) / (_product(moved, moved) + TINY)
        error = gain.clip(*GAINS)[:, None, None] * moved - target
        slope = np.concatenate(
            [((axis * error).reshape(count, side**2) @ places) for axis in (down, right)], axis=1, dtype=np.float64
        )
        change = np.einsum("pij,pj->pi", inverse, slope).reshape(count, 2, 3)
        affines = _composed(affines, change.clip(-LONGEST, LONGEST))
    return affines


def warped(
    images: Float32[np.ndarray, "P s s"], affines: Affines
) -> tuple[Float32[np.ndarray, "P s s"], Bool[np.ndarray, "P s s"]]:
    """Return each image as its map lays it, bilinear and 0 beyond the image, and where there is an image."""
    count, side = len(images), images.shape[1]
    if np.array_equal(affines, identity(count)):  # as at every start
        return images, np.ones(images.shape, dtype=bool)
    down, right = (_along(affines[:, axis], side) for axis in range(2))
    last = np.float32(side - 1)
    inside = (down >= 0) & (down <= last) & (right >= 0) & (right <= last)
    top, left = (np.floor(at.clip(0, last - np.float32(1e-3), out=at)) for at in (down, right))
    down -= top
    right -= left
    pixel = (top * side + left).astype(np.intp) + (np.arange(count) * side**2)[:, None]
    # In place: most of the time goes to reading and writing memory.
    flat, corners = images.reshape(-1), []
    for step in (0, 1, side - 1, 1):
        pixel += step
        corners.append(flat.take(pixel, mode="clip"))
    here, after, below, across = corners
    values = _between(_between(here, after, right), _between(below, across, right), down)
    values *= inside
    return values.reshape(images.shape), inside.reshape(images.shape)


def _along(rows: Float32[np.ndarray, "P 3"], side: int) -> Float32[np.ndarray, "P s2"]:
    """Return the row, or column, of the second that each place of the first lies at, in pixels from 0."""
    axis, half = _axis(side), np.float32(side / 2)
    down, right, start = (half * rows.T)[:, :, None]
    at = (down * axis + (start + half - np.float32(0.5)))[:, :, None] + (right * axis)[:, None]
    return at.reshape(len(rows), side**2)


def _between(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return first + share * (second - first), in the place of the second."""
    second -= first
    second *= share
    second += first
    return second


def image_agreement(
    first: Float32[np.ndarray, "P s s"], second: Float32[np.ndarray, "P s s"], affines: Affines
) -> tuple[Float32[np.ndarray, " P"], Float32[np.ndarray, " P"]]:
    """Return the correlation where both show something, and the share of the frame that is."""
    moved, inside = warped(second, affines)
    both = inside & (moved != 0) & (first != 0)
    target = first * both
    moved = moved * both
    lengths = np.sqrt(_product(target, target) * _product(moved, moved))
    # Rounding may lift a correlation above 1.
    return (_product(target, moved) / (lengths + TINY)).clip(max=1), both.mean(axis=(1, 2), dtype=np.float32)


def _product(first: Float32[np.ndarray, "P s s"], second: Float32[np.ndarray, "P s s"]) -> Float32[np.ndarray, " P"]:
    return np.einsum("prc,prc->p", first, second)


def _places(side: int) -> Float32[np.ndarray, "s2 3"]:
    down, right = np.meshgrid(_axis(side), _axis(side), indexing="ij")
    return np.stack([down.ravel(), right.ravel(), np.ones(side**2, dtype=np.float32)], axis=1)


def _axis(side: int) -> Float32[np.ndarray, " s"]:
    return (2 * np.arange(side, dtype=np.float32) + 1) / side - 1


def _curvature(down: np.ndarray, right: np.ndarray, places: np.ndarray) -> np.ndarray:
    outer = (places[:, :, None] * places[:, None, :]).reshape(len(places), 9)
    blocks = [(one * other @ outer).reshape(-1, 3, 3) for one, other in ((down, down), (down, right), (right, right))]
    return np.block([[blocks[0], blocks[1]], [blocks[1], blocks[2]]]).astype(np.float64)


def _composed(affines: np.ndarray, change: np.ndarray) -> Affines:
    """Return the maps after the inverse of a small change of the first structure's places."""
    last = np.tile([[0.0, 0.0, 1.0]], (len(change), 1, 1))
    step = np.concatenate([np.eye(2, 3) + change, last], axis=1)
    return (np.asarray(affines, np.float64) @ np.linalg.inv(step)).astype(np.float32)
