"""Decode and prepare images and masks, in several processes: the rows of the image cache. No torch.

A row is S x S pixels of four bytes, red, green, blue, mask. So image and mask cannot be mixed up, and augmentation
moves a pixel and its mask as one 32-bit number.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from attnmel.data.preprocess.images import image_size, prepared_image, prepared_mask
from attnmel.data.preprocess.workers import in_order
from attnmel.errors import ImageError

CHANNELS = 4
"""Red, green, blue and the lesion mask."""


class Work(NamedTuple):
    """What one prepared row is computed from."""

    image_id: str
    image: Path
    mask: Path | None
    crop: float | None
    """Share of the shorter side; None for the whole frame, squashed."""
    side: int


def prepared_rows(works: Sequence[Work], processes: int) -> Iterator[UInt8[np.ndarray, "S S 4"] | str]:
    """Give the prepared rows in order; the sentence that says what is wrong, in place of a row that cannot be made."""
    return in_order(prepared_row, works, processes)


def prepared_row(work: Work) -> UInt8[np.ndarray, "S S 4"] | str:
    """Return image and mask side by side, mask 0 where there is none; or the sentence that says what is wrong."""
    row = np.zeros((work.side, work.side, CHANNELS), dtype=np.uint8)
    try:
        row[..., :3] = prepared_image(work.image, crop=work.crop, side=work.side)
        if work.mask is not None:
            size = image_size(work.image)
            row[..., 3] = prepared_mask(work.mask, image_size=size, crop=work.crop, side=work.side)
    except ImageError as error:
        return f"{work.image_id}: {error}"
    return row
