"""Random crops, quarter turns and flips: drawn once from a generator, applied to a batch on its device.

An augmentation only moves pixels, so it is one look-up: where each pixel of the result comes from. That position is
the sum of a part that depends on the result's line and one that depends on its column. Other scales, other angles and
colours are in `scale_and_colour`.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int, Int64, Shaped
from torch import Tensor

from attnmel.compute.runtime import sent
from attnmel.data.preprocess.images import crop_offset


@dataclass(frozen=True, eq=False)
class Augmentation:
    """One crop, then quarter turns, then flips, an image; the same for all its channels."""

    side: int
    """Of the images that go in, in pixels."""
    size: int
    """Of the images that come out, in pixels."""
    top: Int64[Tensor, " B"]
    """First line of the crop."""
    left: Int64[Tensor, " B"]
    """First column of the crop."""
    turns: Int64[Tensor, " B"]
    """Counter-clockwise turns by 90 degrees, 0 to 3."""
    horizontal: Bool[Tensor, " B"]
    """Whether left and right are exchanged, after the turns."""
    vertical: Bool[Tensor, " B"]
    """Whether top and bottom are exchanged, after the turns."""

    @classmethod
    def draw(cls, count: int, *, side: int, size: int, generator: torch.Generator) -> "Augmentation":
        """Draw for `count` images; every crop, turn and flip is equally likely."""
        crop_offset(side, size)  # refuses an impossible crop
        places = side - size + 1

        def below(bound: int) -> Int64[Tensor, " B"]:
            return torch.randint(bound, (count,), generator=generator)

        return cls(side, size, below(places), below(places), below(4), below(2) == 1, below(2) == 1)

    @classmethod
    def centre(cls, count: int, *, side: int, size: int) -> "Augmentation":
        """Return the central crop for each of `count` images, neither turned nor flipped."""
        offset = torch.full((count,), crop_offset(side, size))
        still = torch.zeros(count, dtype=torch.bool)
        return cls(side, size, offset, offset, torch.zeros_like(offset), still, still)

    def __getitem__(self, chosen: slice) -> "Augmentation":
        """Return the augmentation of some of the images."""
        parts = (self.top, self.left, self.turns, self.horizontal, self.vertical)
        return Augmentation(self.side, self.size, *(part[chosen] for part in parts))

    def __len__(self) -> int:
        return len(self.top)

    def __call__(self, batch: Shaped[Tensor, "B C S S"]) -> Shaped[Tensor, "B C s s"]:
        """Return the augmented batch, of the same type and on the same device; no value is changed, only moved."""
        sources = sent(self._sources(), batch.device)
        down, across = sources[0], sources[1]
        positions = (down[:, :, None] + across[:, None, :]).flatten(1)
        moved = batch.flatten(2).gather(2, positions[:, None].expand(-1, batch.shape[1], -1))
        return moved.unflatten(2, (self.size, self.size))

    def _sources(self) -> Int[Tensor, "2 B s"]:
        # Seen from the result: undo the flips, then the turns, then the crop. After an odd number of turns a line of
        # the result runs along a column of the source.
        lines = _reversed_where(self.vertical ^ (self.turns == 1) ^ (self.turns == 2), self.size)
        columns = _reversed_where(self.horizontal ^ (self.turns == 2) ^ (self.turns == 3), self.size)
        top, left, turned = self.top[:, None], self.left[:, None], (self.turns % 2 == 1)[:, None]
        down = torch.where(turned, left + lines, (top + lines) * self.side)
        across = torch.where(turned, (top + columns) * self.side, left + columns)
        return torch.stack([down, across])


def _reversed_where(backward: Bool[Tensor, " B"], size: int) -> Int64[Tensor, "B s"]:
    forward = torch.arange(size)
    return torch.where(backward[:, None], forward.flip(0), forward)
