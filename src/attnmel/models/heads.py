"""The last layers of the networks, which turn features into scores of the classes."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Head(nn.Linear):
    """The last layer; start N(0, 0.01), bias 0.

    It is computed in its weights' precision even under autocast: bf16 scores come in steps of 1/256 of their size, and
    such ties would blur every ranking measure.
    """

    def reset_parameters(self) -> None:
        """Draw a new start."""
        nn.init.normal_(self.weight, std=0.01)
        nn.init.zeros_(self.bias)

    def forward(self, input: Float[Tensor, "B C"]) -> Float[Tensor, "B K"]:
        """Give the scores of the classes."""
        features = input.to(self.weight.dtype)
        # Without autocast the plain layer, so that an exported graph holds no autocast region.
        if not torch.is_autocast_enabled(features.device.type):
            return super().forward(features)
        with torch.autocast(features.device.type, enabled=False):
            return super().forward(features)
