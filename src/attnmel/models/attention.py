"""The attention gate: where a map of local features agrees with the deepest map, which sees the whole image."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from attnmel.config.settings.model import Attention

HIDDEN_CHANNELS = 256
"""Channels in which local and global features are compared; the authors' code."""


class Attended(NamedTuple):
    """The output of a gate for one map."""

    features: Float[Tensor, "B C"]
    attention: Float[Tensor, "B 1 h w"]


class AttentionGate(nn.Module):
    """Attention on local features F, guided by global features G.

    R = phi(ReLU(W_l * F + up(W_g * G))), with 1x1 convolutions W_l, W_g (no bias) and phi (to one channel, with bias)
    and bilinear up-sampling to F's size (Yan, Kawahara and Hamarneh, IPMI 2019, section 2). "sigmoid": A = sigmoid(R),
    features = mean over positions of A.F. "softmax": A = softmax of R over positions, features = sum of A.F (Jetley
    et al., "Learn to pay attention", ICLR 2018, section 3). Start: Kaiming-normal by fan-in for ReLU, bias 0.
    """

    def __init__(
        self, local_channels: int, global_channels: int, hidden: int = HIDDEN_CHANNELS, kind: Attention = "sigmoid"
    ) -> None:
        super().__init__()
        self.kind = kind
        self.local_weights = nn.Conv2d(local_channels, hidden, kernel_size=1, bias=False)
        self.global_weights = nn.Conv2d(global_channels, hidden, kernel_size=1, bias=False)
        self.score = nn.Conv2d(hidden, 1, kernel_size=1)
        for convolution in (self.local_weights, self.global_weights, self.score):
            nn.init.kaiming_normal_(convolution.weight, mode="fan_in", nonlinearity="relu")
        if self.score.bias is not None:
            nn.init.zeros_(self.score.bias)

    def forward(self, local: Float[Tensor, "B C h w"], guide: Float[Tensor, "B G p q"]) -> Attended:
        """Attend to `local` (F), guided by `guide` (G, a smaller map).

        The map is at least float32 even under autocast: in bf16 a softmax would not sum to one, and the map feeds the
        Dice loss.
        """
        local_scores = self.local_weights(local)
        scores = self.score(functional.relu(local_scores + enlarged_like(self.global_weights(guide), local_scores)))
        attention = self._normalised(scores.to(torch.promote_types(scores.dtype, torch.float32)))
        weighted = attention * local
        features = weighted.mean((2, 3)) if self.kind == "sigmoid" else weighted.sum((2, 3))
        return Attended(features, attention)

    def _normalised(self, scores: Float[Tensor, "B 1 h w"]) -> Float[Tensor, "B 1 h w"]:
        if self.kind == "sigmoid":
            return torch.sigmoid(scores)
        return torch.softmax(scores.flatten(1), dim=1).reshape_as(scores)


def enlarged_like(features: Float[Tensor, "B C h w"], like: Float[Tensor, "B D p q"]) -> Float[Tensor, "B C p q"]:
    """Enlarge a map bilinearly to the size of another."""
    return functional.interpolate(features, size=like.shape[-2:], mode="bilinear", align_corners=False)
