"""The transforms of a prepared square whose predictions are averaged, alike for every way to predict. No torch."""

import numpy as np
from PIL import Image

from attnmel.config.settings.tta import Transform
from attnmel.data.preprocess.images import crop_offset
from attnmel.shapes import UInt8


def transformed(square: UInt8[np.ndarray, "S S 3"], transform: Transform, *, size: int) -> UInt8[np.ndarray, "S S 3"]:
    """Return a prepared square, transformed, of which the network sees the central `size` pixels.

    Turns and flips move pixels; a view is resized to `size` with antialiasing, and continued by its mirror image in the
    rim, which the network does not see.
    """
    mirrored = square[:, ::-1] if transform.mirrored else square
    turned = np.ascontiguousarray(np.rot90(mirrored, transform.turns))
    if transform.view is None:
        return turned
    side = len(square)
    left, top, length = (share * side for share in transform.view)
    box = (left, top, min(left + length, side), min(top + length, side))
    seen = np.asarray(Image.fromarray(turned).resize((size, size), Image.Resampling.BILINEAR, box=box))
    before = crop_offset(side, size)
    rim = (before, side - size - before)
    return np.pad(seen, [rim, rim, (0, 0)], mode="symmetric")
