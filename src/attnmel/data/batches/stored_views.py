"""The views of an image that maps are kept of: turns and flips of its central crop, and of further crops."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from attnmel.data.batches.crop_and_flip import Augmentation
from attnmel.data.preprocess.images import crop_offset

CROPS_SEED = 0x0C50
"""Draws the places of the further crops: the same for every run, which can then share the maps."""

# Counter-clockwise quarter turns, then whether left and right, top and bottom are exchanged: each of the eight once.
EIGHT = tuple((turns, across, down) for turns in (0, 1) for down in (False, True) for across in (False, True))


@dataclass(frozen=True)
class Views:
    """So many turns and flips of each of 1 + `crops` crops of `images` images; view 0 is the central crop as it is."""

    turned: int
    """1 to 8."""
    crops: int
    images: int
    side: int
    """Of the prepared images, in pixels."""
    size: int
    """Of the crops, in pixels."""

    def __len__(self) -> int:
        """Views of one image."""
        return self.turned * (1 + self.crops)

    def draw(self, count: int, generator: torch.Generator) -> Int64[Tensor, " B"]:
        """Draw one view for each of `count` images; each is equally likely."""
        return torch.randint(len(self), (count,), generator=generator)

    def augmentation(self, positions: Int64[Tensor, " B"], views: Int64[Tensor, " B"]) -> Augmentation:
        """Return what makes the views of the images at these positions of their pixels."""
        crop, turn = views // self.turned, torch.tensor(EIGHT)[views % self.turned]
        top, left = self._places[:, crop, positions]
        return Augmentation(self.side, self.size, top, left, turn[:, 0], turn[:, 1] == 1, turn[:, 2] == 1)

    @cached_property
    def _places(self) -> Int64[Tensor, "2 crops images"]:
        """First line and first column of every crop."""
        centre = torch.full((2, 1, self.images), crop_offset(self.side, self.size))
        drawn = np.random.default_rng(CROPS_SEED).integers(self.side - self.size + 1, size=(self.crops, self.images, 2))
        return torch.cat([centre, torch.from_numpy(drawn).permute(2, 0, 1)], dim=1)
