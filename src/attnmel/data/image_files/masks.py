"""What the pixels of a mask file mean: the one place where that is decided. No torch.

A mask is read as the grey that a viewer shows: also in colour, with a palette (inverted ones too) or with 16 bits.
Where its shape is drawn in transparency, that is read.
"""

import numpy as np
from PIL import Image

from attnmel.data.image_files.decode import opened, stored_levels
from attnmel.data.image_files.depth import mask_white
from attnmel.data.image_files.picture import ImageSource, Picture, upright

ONE_COLOUR = 16
"""Levels by which the visible pixels of a mask may differ and still be of one colour, as after resizing."""


def read_mask(source: ImageSource) -> Image.Image:
    """Return the grey levels of a mask upright, 255 for marked.

    Raises:
        ImageError: the file cannot be used.
    """
    with opened(source) as picture:
        return upright(mask_levels(picture), picture)


def mask_levels(picture: Picture) -> Image.Image:
    """Return the grey levels of an opened mask before it is turned upright, 255 for marked.

    A mask that is transparent in places and shows one colour elsewhere is drawn in its alpha channel, whatever the
    colour; full alpha is then the largest that occurs. One that shows several colours is laid on black.

    Raises:
        ImageError: pixels of a kind that is not read.
    """
    pixels = stored_levels(picture, mask_white)
    if "A" not in pixels.getbands() and "transparency" not in pixels.info:
        return pixels if pixels.mode == "L" else pixels.convert("L")
    grey, alpha = (np.asarray(band) for band in pixels.convert("RGBA").convert("LA").split())
    highest = int(alpha.max())
    if alpha.min() == highest:
        return Image.fromarray(grey)
    visible = grey[alpha >= max(highest // 2, 1)]
    if int(visible.max()) - int(visible.min()) <= ONE_COLOUR:
        return Image.fromarray((alpha.astype(np.uint16) * 255 // highest).astype(np.uint8))
    return Image.fromarray((grey.astype(np.uint16) * alpha // 255).astype(np.uint8))
