"""Where the lesion is in its mask, and the square around it: the crop of `data.crop = "lesion"`. No torch."""

import numpy as np

from attnmel.data.preprocess.images import Box, Square
from attnmel.shapes import Bool

LEAST_AREA = 0.001
"""Share of the frame below which a mask shows no lesion. The smallest of HAM10000's lesions cover about half a per
cent."""

NEIGHBOURS = np.ones((3, 3), dtype=int)
"""Pixels that touch at a corner are of one component."""


def largest_component(mask: Bool[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"] | None:
    """Return the largest connected component of a mask; None if it has less than `LEAST_AREA` of the frame."""
    from scipy import ndimage

    parts, _ = ndimage.label(mask, structure=NEIGHBOURS)  # pyright: ignore[reportGeneralTypeIssues] - two without `output`
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    largest = int(sizes.argmax())
    return parts == largest if sizes[largest] >= max(1, LEAST_AREA * mask.size) else None


def lesion_box(mask: Bool[np.ndarray, "H W"]) -> Box | None:
    """Return the smallest box around the largest component of a mask; None if that is too small to be a lesion."""
    component = largest_component(mask)
    if component is None:
        return None
    rows, columns = (np.flatnonzero(component.any(axis=axis)) for axis in (1, 0))
    return (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))


def square_around(box: Box, width: int, height: int, margin: float) -> Square:
    """Return the square around a box of an image of `width` x `height`, all of the box inside.

    Its side is the longer side of the box plus the margin on both sides, at most the longer side of the image. It is
    centred on the box and then moved into the image as far as it fits; along a side of the image that is shorter than
    the square, it is centred on the image and exceeds it.
    """
    left, top, right, bottom = box
    side = min(max(right - left, bottom - top) * (1 + 2 * margin), max(width, height))
    return Square(width, height, _start(left, right, side, width), _start(top, bottom, side, height), side)


def _start(first: float, last: float, side: float, length: int) -> float:
    if side >= length:
        return (length - side) / 2
    return min(max((first + last - side) / 2, 0.0), length - side)
