"""Decode and prepare every image and mask of a data set, in several processes, into one file. No torch.

The file holds a row an image: S x S pixels of four bytes, red, green, blue, mask. One file keeps image and mask
together by construction, and lets augmentation move a pixel and its mask as one 32-bit number.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from attnmel.data.preprocess.array_file import write_rows
from attnmel.data.preprocess.images import image_size, prepared_image, prepared_mask
from attnmel.data.preprocess.workers import in_order, worthwhile_processes
from attnmel.errors import ImageError
from attnmel.progress import SILENT, Progress

CHANNELS = 4
"""Red, green, blue and the lesion mask."""


class Work(NamedTuple):
    """What one prepared row is made of."""

    image_id: str
    image: Path
    mask: Path | None
    crop: float | None
    """Share of the shorter side; None for the whole frame, squashed."""
    side: int


def write_pixels(path: Path, works: Sequence[Work], *, workers: int | None = None, progress: Progress = SILENT) -> None:
    """Write one row for each work, in order, and make sure that it is on the disk.

    Raises:
        ImageError: names the files that cannot be used, with what is wrong with each.
        OSError: the disk is full or cannot be written.
    """
    rows = prepared_rows(works, workers or worthwhile_processes(len(works)))
    write_rows(path, rows, total=len(works), label="Preparing images", progress=progress)


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
