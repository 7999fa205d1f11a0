"""Maps of turned and mirrored images, turned back: a lesion has no upper side, so a map should turn along with it."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from attnmel.saliency.methods.registry import Method


class Turn(NamedTuple):
    """Quarter turns counter-clockwise, then a mirror."""

    quarters: int
    mirrored: bool = False
    """Whether left and right are exchanged, after the turns."""

    def __call__(self, images: Shaped[Tensor, "*B s s"]) -> Shaped[Tensor, "*B s s"]:
        """Turn."""
        turned = torch.rot90(images, self.quarters, (-2, -1))
        return turned.flip(-1) if self.mirrored else turned

    def back(self, images: Shaped[Tensor, "*B s s"]) -> Shaped[Tensor, "*B s s"]:
        """Undo."""
        straight = images.flip(-1) if self.mirrored else images
        return torch.rot90(straight, -self.quarters, (-2, -1))


TURNS: Mapping[str, Turn] = {
    "turned by 90 degrees": Turn(1),
    "turned by 180 degrees": Turn(2),
    "turned by 270 degrees": Turn(3),
    "mirrored left to right": Turn(0, mirrored=True),
    "mirrored top to bottom": Turn(2, mirrored=True),
}
"""Those that training draws from, so that the network has seen lesions so."""


def turned_maps(
    method: Method,
    network: nn.Module,
    images: Float[Tensor, "B 3 s s"],
    classes: Int[Tensor, " B"],
    turns: Mapping[str, Turn] = TURNS,
) -> Iterator[tuple[str, Float[Tensor, "B s s"]]]:
    """Give the maps of the images turned in each way, turned back, by the way's name."""
    for name, turn in turns.items():
        yield name, turn.back(method(network, turn(images).contiguous(), classes))
