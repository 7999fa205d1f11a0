"""What the pixels of a mask file mean: the one place where that is decided. No torch.

A mask is read as the grey that a viewer shows: also in colour, with a palette (inverted ones too) or with 16 bits.
Where its shape is drawn in transparency, that is read.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from attnmel.data.image_files.decode import opened, stored_levels
from attnmel.data.image_files.depth import mask_white
from attnmel.data.image_files.formats import JPEG_SUFFIXES
from attnmel.data.image_files.picture import ImageSource, Picture, upright
from attnmel.errors import ImageError
from attnmel.number_formats import percent

ONE_COLOUR = 16
"""Levels by which the visible pixels of a mask may differ and still be of one colour, as after resizing."""

GREY_LEVELS = (32, 223)
"""Levels between these are neither black nor white."""

MOST_GREY = 0.25
"""Share of grey pixels from which a picture of many levels is a photograph. Of 150 of ISIC 2017 the least grey one had
.31, 100 masks of it as JPEG of quality 30 and 100 x 75 pixels at most .08."""

MOST_LEVELS = 16
"""Grey levels, each of at least a thousandth of the pixels, from which a grey picture is a photograph; they had 28."""

LEVEL_SHARE = 0.001


def read_mask(source: ImageSource) -> Image.Image:
    """Return the grey levels of a mask upright, 255 for marked."""
    with opened(source) as picture:
        return upright(mask_levels(picture), picture)


def mask_levels(picture: Picture) -> Image.Image:
    """Return the grey levels of an opened mask before it is turned upright, 255 for marked.

    Raises:
        ImageError: pixels of a kind that is not read, or a photograph and no mask.
    """
    grey = shown_levels(picture)
    _refuse_photograph(picture.name, grey)
    return grey


def jpeg_note(masks: Iterable[Path | None]) -> list[str]:
    """Return a sentence on masks that are JPEG files; none where there is no such mask."""
    count = sum(path is not None and path.suffix.lower() in JPEG_SUFFIXES for path in masks)
    which = "1 mask is a JPEG file" if count == 1 else f"{count:,} masks are JPEG files"
    return [f"{which}, which blurs the border of what was drawn: levels above 127 count as lesion"] if count else []


def shown_levels(picture: Picture) -> Image.Image:
    """Return the same of any picture, also where it looks like a photograph.

    A mask that is transparent in places and shows one colour elsewhere is drawn in its alpha channel, whatever the
    colour; full alpha is then the largest that occurs. One that shows several colours is laid on black.
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


def _refuse_photograph(name: str, grey: Image.Image) -> None:
    levels, pixels = grey.histogram(), grey.width * grey.height
    low, high = GREY_LEVELS
    share = sum(levels[low : high + 1]) / pixels
    frequent = sum(count >= max(LEVEL_SHARE * pixels, 1) for count in levels)
    if share > MOST_GREY and frequent > MOST_LEVELS:
        raise ImageError(
            f"{name} is a photograph and no mask: {percent(share, 0)} of its pixels are neither black nor "
            "white; expected black and white, white inside the lesion: name the mask in its place, or leave it out"
        )
