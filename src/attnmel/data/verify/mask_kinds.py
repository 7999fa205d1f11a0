"""Pure checks of how one mask is drawn: as an outline, in colours, or in levels that all count as skin. No torch."""

from collections import Counter

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image
from scipy.ndimage import binary_closing, binary_fill_holes

from attnmel.data.preprocess.images import MASK_THRESHOLD
from attnmel.number_formats import percent

CELLS = 128
"""An outline is looked for on a grid of this many cells each way; a cell with a marked pixel is marked."""

MOST_LINE = 0.5
"""A mask that marks less than this of what it surrounds is an outline."""

LEAST_HOLE = 0.4
"""Share of what it surrounds that an outline leaves empty, on the grid, where the line is a cell wide or more."""

COLOUR_MODES = ("P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")

COLOUR_SIDE = 256

COLOURED = 40
"""Levels between the channels of a pixel from which it has a colour; the noise of JPEG stays below."""

OPAQUE = 255

LEAST_COLOURED = 0.001
"""Share of coloured pixels from which a mask is reported."""


def outline_problem(lesion: Bool[np.ndarray, "H W"]) -> tuple[str, str] | None:
    """Return kind and detail of a mask that is a closed line around the lesion and not the lesion's area."""
    rows, columns = (np.unique(np.arange(CELLS) * length // CELLS) for length in lesion.shape)
    cells = np.logical_or.reduceat(np.logical_or.reduceat(lesion, rows, axis=0), columns, axis=1)
    # A frame around it, so that a line that leaves the image is not closed by the image's border.
    line = np.asarray(binary_closing(np.pad(cells, 2)), dtype=bool)
    filled = np.asarray(binary_fill_holes(line), dtype=bool)
    surrounded, marked = float(filled.sum() / cells.size), float(lesion.mean())
    hole = float((filled & ~line).sum() / max(filled.sum(), 1))
    if marked >= MOST_LINE * surrounded or hole < LEAST_HOLE:
        return None
    around = f"{percent(marked, 1)} of the frame around {percent(surrounded, 0)}"
    return "mask outline", f"a line that marks {around}; the line alone is read as lesion"


def colour_problem(picture: Image.Image) -> tuple[str, str] | None:
    """Return kind and detail of a mask that is drawn in colour, with what its colour is read as.

    None for one that is transparent in places: its shape is read from there.
    """
    if picture.mode not in COLOUR_MODES or _transparent(picture):
        return None
    small = picture.resize((COLOUR_SIDE, COLOUR_SIDE), Image.Resampling.NEAREST).convert("RGB")
    pixels = np.asarray(small).reshape(-1, 3)
    coloured = pixels[np.ptp(pixels, axis=1) > COLOURED]
    if len(coloured) < LEAST_COLOURED * len(pixels):
        return None
    (colour, _), *_ = Counter(map(tuple, coloured.tolist())).most_common(1)
    level = Image.new("RGB", (1, 1), colour).convert("L").getpixel((0, 0))
    read_as = "lesion" if isinstance(level, int) and level > MASK_THRESHOLD else "skin"
    share = f"{percent(len(coloured) / len(pixels), 0)} of its pixels are coloured, most of them {colour}"
    return "mask coloured", f"{share}: read as grey {level}, which counts as {read_as}"


def _transparent(picture: Image.Image) -> bool:
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return False
    return int(np.asarray(picture.convert("RGBA"))[..., 3].min()) < OPAQUE


def level_text(grey: UInt8[np.ndarray, "H W"]) -> str:
    """Return what the levels of a mask without a marked pixel are, if there are two: a dark grey, or class numbers."""
    levels, counts = np.unique(grey, return_counts=True)
    if len(levels) != 2:
        return ""
    shares = " and ".join(
        f"{level} ({percent(count / grey.size, 0)})" for level, count in zip(levels, counts, strict=True)
    )
    return f"; its levels are {shares}, and up to {MASK_THRESHOLD} counts as skin"
