"""After Gonzalez-Diaz, DermaKNet (IEEE JBHI 2019): features times structure maps, polar pooling and asymmetry.

Read in the author's public settings: modulation of every channel by every map and by 1, three linear branches whose
scores add up, the last two with a start of 0 and smaller learning rates. Chosen by this project: the structure maps are
of a small branch on pool-4 of the same trunk, sigmoids trained on masks, in place of a second network's softmax; they
are averaged to pool-5's size; the polar grid is around the centre of the input, for the crop follows the lesion, or on
the ellipse of a lesion map of that same branch, in place of a segmentation network's mask.
"""

from collections.abc import Collection

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from attnmel.config.settings.model import Grid, LeftOut
from attnmel.models.heads import Head
from attnmel.models.output import Output
from attnmel.models.polar import RINGS, SECTORS, asymmetry, ellipse_shares, lesion_ellipses, polar_means
from attnmel.models.trunks.trunk import Pooled, Trunk

STRUCTURES = 4
"""Dermoscopic features that have masks: those of ISIC 2017 part 2."""

STRUCTURE_CHANNELS = 64
"""Of the hidden layer of the small branch."""

RATE_SHARES = {"polar": 1 / 12, "asymmetry": 1 / 2}
"""Of the learning rate, by branch."""


class ZeroHead(Head):
    """A `Head` that starts at 0, so that it changes nothing before the first step."""

    def reset_parameters(self) -> None:
        """Set all to 0."""
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)


class DermaKNet(nn.Module):
    """Scores of pool-5 times each structure map and times 1: of its means, its polar means and their asymmetry."""

    def __init__(
        self, trunk: Trunk, hidden: int, without: Collection[LeftOut], grid: Grid = "disc", *, classes: int
    ) -> None:
        super().__init__()
        self.trunk = trunk
        _, c4, c5 = trunk.channels
        self.kept = 0 if "maps" in without else STRUCTURES
        self.has_lesion = grid == "ellipse"
        channels, planes = c5 * (1 + self.kept), self.kept + self.has_lesion
        self.structures = (
            nn.Sequential(
                nn.Conv2d(c4, hidden, kernel_size=3, padding=1), nn.ReLU(), nn.Conv2d(hidden, planes, kernel_size=1)
            )
            if planes
            else None
        )
        self.head = Head(channels, classes)
        self.polar = None if "polar" in without else ZeroHead(channels * RINGS * SECTORS, classes)
        self.asymmetry = None if "asymmetry" in without else ZeroHead(channels * SECTORS // 2, classes)

    def forward(self, images: Float[Tensor, "B 3 s s"] | Pooled) -> Output:
        """Classify normalised images of a side that is a multiple of 32, or their frozen maps.

        The last plane of the output's masks is the lesion's, where the grid follows it.
        """
        _, pool4, pool5 = self.trunk(images)
        # No gradient into the maps: the classes do not change them, nor do masks change the trunk.
        masks = None if self.structures is None else self.structures(pool4.detach())
        maps, size = torch.ones_like(pool5[:, :1]), (pool5.shape[-2], pool5.shape[-1])
        if masks is None:
            return Output(self.scores(pool5, maps))
        seen = masks.detach().sigmoid()
        if self.kept:
            maps = torch.cat([maps, functional.adaptive_avg_pool2d(seen[:, : self.kept], size)], dim=1)
        if not self.has_lesion:
            return Output(self.scores(pool5, maps), masks=masks)
        ellipses = lesion_ellipses(seen[:, self.kept :])
        shares = ellipse_shares(ellipses.to_disc, *size)
        return Output(self.scores(pool5, maps, shares), masks=masks, without_lesion=ellipses.is_disc)

    def scores(
        self,
        features: Float[Tensor, "B C h w"],
        maps: Float[Tensor, "B M h w"],
        shares: Float[Tensor, "B cells positions"] | None = None,
    ) -> Float[Tensor, "B K"]:
        """Return the sum of the scores of all branches; `shares` as of `polar_means`."""
        positions = maps.shape[-2] * maps.shape[-1]
        means = maps.flatten(2).to(features.dtype) @ features.flatten(2).transpose(1, 2) / positions
        scores = self.head(means.flatten(1))
        if self.polar is None and self.asymmetry is None:
            return scores
        cells = polar_means(features, maps, shares)
        if self.polar is not None:
            scores = scores + self.polar(cells.flatten(1))
        return scores if self.asymmetry is None else scores + self.asymmetry(asymmetry(cells).flatten(1))

    def mask_layers(self) -> list[nn.Module]:
        """Return the layers that nothing but the loss of the structure maps trains."""
        return [] if self.structures is None else [self.structures]
