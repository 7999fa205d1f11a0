"""An image to the squares that a network is given, and what they show of it: one function for every way to predict.

No torch.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8

from attnmel.config.fields import ColourStatistics
from attnmel.data.preprocess.coverage import share_of_image, share_of_lesion
from attnmel.data.preprocess.decode import ImageFile
from attnmel.data.preprocess.framing import Framing
from attnmel.data.preprocess.image_warnings import image_warnings
from attnmel.data.preprocess.images import (
    Square,
    central_crop,
    image_size,
    lesion_mask,
    prepared_parts,
    prepared_pixels,
)
from attnmel.data.preprocess.lesion_crop import largest_component
from attnmel.errors import ImageError

Mask = Bool[np.ndarray, "H W"]


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


@dataclass(frozen=True)
class NetworkInput:
    """An image, prepared."""

    width: int
    """Of the upright image in pixels."""
    height: int
    prepared: tuple[UInt8[np.ndarray, "S S 3"], ...]
    """One for each square of the framing."""
    seen: Seen


def network_input(
    image: ImageFile | UInt8[np.ndarray, "H W 3"],
    framing: Framing,
    *,
    mask: Mask | None = None,
    colours: ColourStatistics | None = None,
) -> NetworkInput:
    """Prepare an image file, or the upright pixels of an image, and say what the network sees of it.

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
        prepared = [prepared_pixels(image, crop=one, side=framing.side) for one in squares]
    else:
        prepared = prepared_parts(image, squares, side=framing.side)
    return NetworkInput(*size, tuple(prepared), seen_of(size, framing, prepared[0], mask=mask, colours=colours))


def seen_of(
    image_size: tuple[int, int],
    framing: Framing,
    prepared: UInt8[np.ndarray, "S S 3"],
    *,
    mask: Mask | None,
    colours: ColourStatistics | None,
) -> Seen:
    """Return what the network sees of an image of a width and height, whose first square is prepared."""
    squares = tuple(framing.seen(one) for one in framing.squares(*image_size, mask))
    lesion = None if mask is None else largest_component(mask)
    of_lesion = None if lesion is None else share_of_lesion(lesion, squares)
    warnings = image_warnings(
        central_crop(prepared[None], framing.size)[0],
        image_size=image_size,
        seen_side=squares[0].side,
        seen_of_lesion=of_lesion,
        found=None if mask is None else lesion is not None,
        colours=colours,
    )
    return Seen(squares, share_of_image(squares), of_lesion, warnings)


def mask_of(path: Path | None, image: Path) -> Mask | None:
    """Return the lesion mask of an image from its file; None where there is none.

    Raises:
        ImageError: either file cannot be used, or they are of other sizes.
    """
    return None if path is None else lesion_mask(path, image_size=image_size(image))
