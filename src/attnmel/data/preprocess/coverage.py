"""How much of an image, and of the lesion in it, the squares cover that a network saw. No torch."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from attnmel.data.preprocess.images import Square
from attnmel.data.preprocess.lesion_crop import largest_component
from attnmel.shapes import Bool, Float64


class Covered(NamedTuple):
    """How much of one image a network saw."""

    width: int
    """Of the image in pixels."""
    height: int
    side: float
    """Of the first square that it saw, in pixels of the image."""
    of_image: float
    """Share of the image's area inside the squares that it saw."""
    of_lesion: float | None
    """Share of the area of the mask's largest component inside them; None without a mask or a lesion."""
    found: bool | None
    """Whether the mask shows a lesion; None without a mask."""


def covered(seen: Sequence[Square], mask: Bool[np.ndarray, "H W"] | None) -> Covered:
    """Return how much of an image, and of the lesion of its mask, the squares cover that a network saw."""
    first = seen[0]
    lesion = None if mask is None else largest_component(mask)
    return Covered(
        width=first.width,
        height=first.height,
        side=first.side,
        of_image=share_of_image(seen),
        of_lesion=None if lesion is None else share_of_lesion(lesion, seen),
        found=None if mask is None else lesion is not None,
    )


def share_of_image(squares: Sequence[Square]) -> float:
    """Return the share of an image's area that lies in at least one of some squares of it, in [0, 1].

    What exceeds the image does not count.
    """
    columns, rows = _edges(squares, down=False), _edges(squares, down=True)
    covered = np.zeros((len(rows) - 1, len(columns) - 1), dtype=bool)
    for one in squares:
        down = (rows[:-1] >= one.top) & (rows[1:] <= one.top + one.side)
        across = (columns[:-1] >= one.left) & (columns[1:] <= one.left + one.side)
        covered |= down[:, None] & across
    area = (np.diff(rows)[:, None] * np.diff(columns))[covered].sum()
    return float(area / (squares[0].width * squares[0].height))


def share_of_lesion(mask: Bool[np.ndarray, "H W"], squares: Sequence[Square]) -> float | None:
    """Return the share of a lesion mask's area that lies in at least one of some squares; None of an empty mask.

    A pixel that a square's edge divides counts by the part of it that is inside.
    """
    if not mask.any():
        return None
    height, width = mask.shape
    inside = np.zeros(mask.shape, dtype=np.float64)
    for one in squares:
        down, across = _inside(one.top, one.side, height), _inside(one.left, one.side, width)
        np.maximum(inside, down[:, None] * across, out=inside)
    return float(inside[mask].sum() / mask.sum())


def _inside(start: float, length: float, pixels: int) -> Float64[np.ndarray, " pixels"]:
    """Return the part of each pixel of one axis that lies between `start` and `start + length`."""
    places = np.arange(pixels, dtype=np.float64)
    return (np.minimum(places + 1, start + length) - np.maximum(places, start)).clip(0, 1)


def _edges(squares: Sequence[Square], *, down: bool) -> Float64[np.ndarray, " n"]:
    """Return where squares begin and end along one axis, and the image does, in order."""
    length = squares[0].height if down else squares[0].width
    starts = [one.top if down else one.left for one in squares]
    ends = [start + one.side for start, one in zip(starts, squares, strict=True)]
    return np.unique(np.clip([0.0, length, *starts, *ends], 0, length))
