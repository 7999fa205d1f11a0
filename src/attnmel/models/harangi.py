"""After Harangi et al. (EMBC 2018): several trunks joined before one softmax and trained together."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnmel.models.heads import Head
from attnmel.models.output import Output
from attnmel.models.trunks.trunk import Trunk


class HarangiNetwork(nn.Module):
    """Scores W [f_1; f_2; ...] with f the mean of each trunk's deepest map; with one trunk it is VGG-16-GAP."""

    def __init__(self, trunk: Trunk, others: Sequence[Trunk], *, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.others = nn.ModuleList(others)
        self.head = Head(sum(one.channels[2] for one in (trunk, *others)), classes)

    def forward(self, images: Float[Tensor, "B 3 s s"]) -> Output:
        """Classify normalised images of a side that is a multiple of 32."""
        features = [trunk(images).stride32.mean((2, 3)) for trunk in (self.trunk, *self.others)]
        return self.head.output(torch.cat(features, dim=1))
