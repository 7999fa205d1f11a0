"""Decode and prepare images and masks, in several processes: the rows of the image cache. No torch.

A row is S x S pixels of four bytes, red, green, blue, mask. So image and mask cannot be mixed up, and augmentation
moves a pixel and its mask as one 32-bit number.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8

from attnmel.config.settings.colours import NO_COLOUR_CONSTANCY
from attnmel.data.preprocess.colour_constancy import colour_corrected
from attnmel.data.preprocess.framing import Framing
from attnmel.data.preprocess.images import Part, image_size, prepared_image, prepared_mask
from attnmel.data.preprocess.lesion_crop import lesion_box
from attnmel.data.preprocess.network_input import mask_of
from attnmel.data.preprocess.workers import in_order
from attnmel.errors import ImageError

CHANNELS = 4
"""Red, green, blue and the lesion mask."""


class Work(NamedTuple):
    """What one prepared row is computed from."""

    image_id: str
    image: Path
    mask: Path | None
    crop: float | Framing | None
    """Share of the shorter side, or a framing; None for the whole frame, squashed."""
    side: int
    lesion: Path | None = None
    """Mask that a framing follows."""
    place: int = 0
    """Of the square among those of a framing."""
    colour_constancy: str = NO_COLOUR_CONSTANCY


Crop = float | Framing | None
"""Which part of each image is prepared: as in `Work`."""


def crop_key(crop: Crop) -> Any:  # noqa: ANN401 - a JSON value
    """Return a crop as a value that identifies it."""
    return dataclasses.asdict(crop) if isinstance(crop, Framing) else crop


def image_part(crop: Crop, image: Path, lesion: Path | None = None, place: int = 0) -> Part:
    """Return the part of an image file that is prepared; a framing may follow the mask `lesion`."""
    if not isinstance(crop, Framing):
        return crop
    return crop.squares(*image_size(image), mask_of(lesion, image))[place]


def prepared_rows(works: Sequence[Work], processes: int) -> Iterator[UInt8[np.ndarray, "S S 4"] | str]:
    """Give the prepared rows in order; the sentence that says what is wrong, in place of a row that cannot be made."""
    return in_order(prepared_row, works, processes)


def rows_with_lesions(works: Sequence[Work], processes: int) -> Iterator[tuple[UInt8[np.ndarray, "S S 4"] | str, bool]]:
    """Give the same, each with whether its `lesion` mask shows a lesion."""
    return in_order(_row_with_lesion, works, processes)


def prepared_row(work: Work) -> UInt8[np.ndarray, "S S 4"] | str:
    """Return image and mask side by side, mask 0 where there is none; or the sentence that says what is wrong."""
    row = np.zeros((work.side, work.side, CHANNELS), dtype=np.uint8)
    try:
        part = image_part(work.crop, work.image, work.lesion, work.place)
        row[..., :3] = colour_corrected(prepared_image(work.image, crop=part, side=work.side), work.colour_constancy)
        if work.mask is not None:
            size = image_size(work.image)
            row[..., 3] = prepared_mask(work.mask, image_size=size, crop=part, side=work.side)
    except ImageError as error:
        return f"{work.image_id}: {error}"
    return row


def _row_with_lesion(work: Work) -> tuple[UInt8[np.ndarray, "S S 4"] | str, bool]:
    row = prepared_row(work)
    mask = None if isinstance(row, str) else mask_of(work.lesion, work.image)
    return row, mask is not None and lesion_box(mask) is not None
