"""A photograph that tests draw, a dark spot on light skin with its mask, and the pixels of any image."""

import numpy as np
from PIL import Image

from attnmel.data.image_files.picture import ImageSource
from attnmel.data.image_files.reading import read_image

STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""From an upright picture to how a file of an EXIF orientation stores it."""
SKIN, LESION = (205, 160, 140), (110, 70, 55)


def spot_on_skin(
    width: int,
    height: int,
    *,
    centre: tuple[float, float],
    radii: tuple[float, float],
    grain: float = 10,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels, uint8 [height width 3], and the mask, bool [height width].

    `centre` is across and down in pixels from the upper left corner, `grain` the deviation of the brightness.
    """
    across, down = np.arange(width) + 0.5, np.arange(height)[:, None] + 0.5
    mask = np.hypot((across - centre[0]) / max(radii[0], 1e-9), (down - centre[1]) / max(radii[1], 1e-9)) < 1
    pixels = np.where(mask[..., None], LESION, SKIN) + np.random.default_rng(seed).normal(0, grain, (height, width, 1))
    return pixels.clip(0, 255).astype(np.uint8), mask


def decoded_image(source: ImageSource) -> np.ndarray:
    """Return the whole image, upright; RGB in 0..255."""
    return np.asarray(read_image(source).pixels)
