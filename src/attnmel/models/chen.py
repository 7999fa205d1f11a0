"""After Chen et al. (ISBI 2018): a classifier and a segmentation branch on one trunk that pass features to each other.

Neither text nor code of the paper was found; the equations are this project's, after the message passing of PAD-Net (Xu
et al., CVPR 2018).
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from attnmel.config.settings.model import Passing
from attnmel.models.attention import enlarged_like
from attnmel.models.heads import Head
from attnmel.models.output import Output
from attnmel.models.trunks.trunk import Pooled, Trunk

MASK_CHANNELS = 256
"""Channels of the segmentation branch; as the attention gates'."""


class Passed(NamedTuple):
    """The features of the two branches."""

    for_class: Float[Tensor, "B C h w"]
    """Of stride 32."""
    for_mask: Float[Tensor, "B D p q"]
    """Of stride 16."""


class GatedMessage(nn.Module):
    """sigmoid(W_gate * F) . (W * F), by 3x3 convolutions."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.gate = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1)
        self.message = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1)

    def forward(self, features: Float[Tensor, "B C h w"]) -> Float[Tensor, "B D p q"]:
        """Return what the other branch adds to its features."""
        return torch.sigmoid(self.gate(features)) * self.message(features)


class FeaturePassing(nn.Module):
    """Adds to the features of each branch a gated message from the other's, both from the features as they were.

    F_c' = F_c + sigmoid(W1 * F_s) . (W2 * F_s) and F_s' = F_s + sigmoid(W3 * up(F_c)) . (W4 * up(F_c)): W1 and W2 have
    stride 2, `up` is bilinear.
    """

    def __init__(self, class_channels: int, mask_channels: int, passing: Passing) -> None:
        super().__init__()
        both = passing == "both"
        self.to_class = GatedMessage(mask_channels, class_channels, 2) if both or passing == "to-class" else None
        self.to_mask = GatedMessage(class_channels, mask_channels, 1) if both or passing == "to-mask" else None

    def forward(self, for_class: Float[Tensor, "B C h w"], for_mask: Float[Tensor, "B D p q"]) -> Passed:
        """Exchange messages."""
        passed_class = for_class if self.to_class is None else for_class + self.to_class(for_mask)
        if self.to_mask is None:
            return Passed(passed_class, for_mask)
        return Passed(passed_class, for_mask + self.to_mask(enlarged_like(for_class, for_mask)))


class ChenNetwork(nn.Module):
    """Classification on pool-5 and segmentation on pool-4 and pool-5 of one trunk, with feature passing between them.

    F_c is pool-5 itself, so that without passing the classifier is VGG-16-GAP. F_s = ReLU(W_l * pool-4 + up(W_g *
    pool-5)) with 1x1 convolutions. Scores: a linear layer on the mean of F_c'. Mask: a 1x1 convolution of F_s'.
    """

    def __init__(self, trunk: Trunk, mask_channels: int, passing: Passing, *, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        _, c4, c5 = trunk.channels
        self.local = nn.Conv2d(c4, mask_channels, kernel_size=1)
        self.deep = nn.Conv2d(c5, mask_channels, kernel_size=1, bias=False)
        self.passing = FeaturePassing(c5, mask_channels, passing)
        self.mask = nn.Conv2d(mask_channels, 1, kernel_size=1)
        self.head = Head(c5, classes)

    def forward(self, images: Float[Tensor, "B 3 s s"] | Pooled) -> Output:
        """Classify normalised images of a side that is a multiple of 32, or their frozen maps, and segment them."""
        _, pool4, pool5 = self.trunk(images)
        local = self.local(pool4)
        for_class, for_mask = self.passing(pool5, functional.relu(local + enlarged_like(self.deep(pool5), local)))
        return self.head.output(for_class.mean((2, 3)))._replace(masks=self.mask(for_mask))

    def mask_layers(self) -> list[nn.Module]:
        """Return the layers that nothing but the loss of the mask trains."""
        of_class = [] if self.passing.to_class is not None else [self.local, self.deep]
        of_mask = [] if self.passing.to_mask is None else [self.passing.to_mask]
        return [*of_class, *of_mask, self.mask]
