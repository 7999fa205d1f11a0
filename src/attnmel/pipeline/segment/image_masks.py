"""Image files -> the probability of lesion at every pixel of each, in its own size; memory does not grow with them."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float32
from torch import nn

from attnmel.data.preprocess.cache_build import Work, prepared_rows
from attnmel.data.preprocess.images import image_size, unsquashed
from attnmel.data.preprocess.workers import worthwhile_processes
from attnmel.models.segmenter import SegmenterCard
from attnmel.pipeline.predict.masks.segmenter_masks import lesion_probabilities


class DrawnMask(NamedTuple):
    """The mask that a segmenter draws on one image, as probabilities."""

    image_id: str
    probability: Float32[np.ndarray, "H W"] | None
    """In the size of the upright image; None where it could not be read."""
    error: str = ""

    def mask(self, threshold: float) -> Bool[np.ndarray, "H W"]:
        """Return the pixels whose probability is above the threshold; none of an image that could not be read."""
        return np.zeros((0, 0), dtype=bool) if self.probability is None else self.probability > threshold


def drawn_images(
    network: nn.Module,
    card: SegmenterCard,
    images: Sequence[tuple[str, Path]],
    *,
    batch: int,
    device: torch.device,
) -> Iterator[DrawnMask]:
    """Give the mask of each image, by id and file, in order; images are decoded by several processes if it pays.

    An image that cannot be read is given with the reason.
    """
    works = [Work(image_id, path, None, None, card.size) for image_id, path in images]
    rows = zip(works, prepared_rows(works, worthwhile_processes(len(works))), strict=True)
    while some := list(islice(rows, batch)):
        pixels = [row[..., :3] for _, row in some if not isinstance(row, str)]
        maps = iter(lesion_probabilities(network, card, pixels, device) if pixels else ())
        for work, row in some:
            if isinstance(row, str):
                yield DrawnMask(work.image_id, None, row)
            else:
                yield DrawnMask(work.image_id, unsquashed(next(maps), *image_size(work.image)))
