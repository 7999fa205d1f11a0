"""An image to the squares that a network is given, and what they show of it: one function for every way to predict.

No torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from attnmel.config.settings.colours import NO_COLOUR_CONSTANCY
from attnmel.config.settings.tta import PLAIN, Transform
from attnmel.data.image_files.picture import ImageSource
from attnmel.data.preprocess.colour_constancy import colour_corrected
from attnmel.data.preprocess.coverage import covered
from attnmel.data.preprocess.framing import Framing
from attnmel.data.preprocess.image_warnings import image_warnings
from attnmel.data.preprocess.images import (
    PreparedParts,
    Square,
    central_crop,
    image_size,
    lesion_mask,
    prepared_parts,
    prepared_pixels,
)
from attnmel.data.preprocess.tta import transformed
from attnmel.errors import ImageError
from attnmel.records import ColourStatistics
from attnmel.shapes import Bool, UInt8

Mask = Bool[np.ndarray, "h w"]
"""A lesion mask in the size of its image; another size is refused with a sentence."""

SHOWN_SIDE = 1200
"""Least pixels of the longer side of a mask that is kept to be drawn: those of the largest picture it is drawn on."""


@dataclass(frozen=True)
class Seen:
    """What a network saw of an image."""

    squares: tuple[Square, ...]
    """The parts of the image that it saw; the first is the one that its maps are of."""
    share_of_image: float
    """Share of the image's area inside them."""
    share_of_lesion: float | None
    """Share of the lesion's area inside them, of the largest component of its mask; None without a mask or a lesion."""
    warnings: tuple[str, ...]
    """Names of `image_warnings.WARNINGS`."""
    notes: tuple[str, ...] = ()
    """How the file was read (docs/reference/formats.md), each in a few words; empty if there is nothing to say."""
    lesion: Bool[np.ndarray, "h w"] | None = field(default=None, compare=False, repr=False)
    """The lesion's mask, reduced to a longer side between once and twice `SHOWN_SIDE`; None without a mask."""


@dataclass(frozen=True)
class NetworkInput:
    """An image, prepared."""

    width: int
    """Of the upright image in pixels."""
    height: int
    prepared: tuple[UInt8[np.ndarray, "S S 3"], ...]
    """Each square of the framing, in each transform."""
    seen: Seen


def network_input(
    image: ImageSource | UInt8[np.ndarray, "H W 3"],
    framing: Framing,
    *,
    mask: Mask | None = None,
    colours: ColourStatistics | None = None,
    colour_constancy: str = NO_COLOUR_CONSTANCY,
    transforms: Sequence[Transform] = (PLAIN,),
) -> NetworkInput:
    """Prepare an image file, or the upright pixels of an image, and say what the network sees of it.

    Each square is given in each of the transforms, of which the first is the square as it is.

    Raises:
        ImageError: the image cannot be used, or the mask has another size.
    """
    size = (image.shape[1], image.shape[0]) if isinstance(image, np.ndarray) else image_size(image)
    if mask is not None and mask.shape != (size[1], size[0]):
        raise ImageError(
            f"the mask is {mask.shape[1]} x {mask.shape[0]} pixels, but its image is {size[0]} x {size[1]}; expected "
            "the same size"
        )
    squares = framing.squares(*size, mask)
    if isinstance(image, np.ndarray):
        prepared = PreparedParts([prepared_pixels(image, crop=one, side=framing.side) for one in squares], ())
    else:
        prepared = prepared_parts(image, squares, side=framing.side)
    parts = [colour_corrected(one, colour_constancy) for one in prepared.parts]
    seen = tuple(framing.seen(one) for one in squares)
    found, pixels = covered(seen, mask), central_crop(parts[0][None], framing.size)[0]
    warnings = image_warnings(pixels, found, colours)
    lesion = None if mask is None else _reduced(mask)
    shown = Seen(seen, found.of_image, found.of_lesion, warnings, prepared.notes, lesion)
    given = tuple(transformed(square, one, size=framing.size) for square in parts for one in transforms)
    return NetworkInput(*size, given, shown)


def mask_of(path: Path | None, image: Path) -> Mask | None:
    """Return the lesion mask of an image from its file; None where there is none."""
    return None if path is None else lesion_mask(path, image_size=image_size(image))


def _reduced(mask: Mask) -> Bool[np.ndarray, "less fewer"]:
    """Return every nth pixel of a mask; a copy, so that results of many large images keep no large masks."""
    step = max(1, max(mask.shape) // SHOWN_SIDE)
    return mask[::step, ::step].copy()
