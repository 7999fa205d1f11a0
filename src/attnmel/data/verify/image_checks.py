"""Pure checks on one decoded image: is anything to be seen, and how much of the frame is dark. No torch."""

import numpy as np
from jaxtyping import UInt8

from attnmel.number_formats import percent

DARK = 30
"""A pixel with no channel above it is dark: the rim of a lens, not pigment, whose red stays brighter."""

BLACK = 0.95
"""Share of dark pixels from which nothing is to be seen."""

DARK_AROUND = 0.3
"""Share of dark pixels from which a frame is reported; a round view that just fits a square leaves 0.21 dark."""


def image_problems(image: UInt8[np.ndarray, "h w 3"]) -> list[tuple[str, str]]:
    """Return kind and detail of all that is odd about an image, at whatever scale; empty of a sound one."""
    share = dark_share(image)
    if share >= BLACK:
        return [("image black", f"{percent(share, 0)} of it is black")]
    if share > DARK_AROUND:
        return [("image dark around", f"{percent(share, 0)} of it is black")]
    return []


def dark_share(image: UInt8[np.ndarray, "h w 3"]) -> float:
    """Return the share of pixels that are dark in every channel."""
    return float((image.max(axis=2) <= DARK).mean())
