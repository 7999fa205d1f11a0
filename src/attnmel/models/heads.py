"""The last layers of the networks: a softmax, a hinge, or both, as Lequan Yu et al. (IEEE TMI 2017) had them.

They trained each alone with its own network; here both train one. Their squash of the margins was not found.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from attnmel.config.settings.model import HeadKind
from attnmel.models.output import Output


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

    def output(self, features: Float[Tensor, "B C"]) -> Output:
        """Return the scores as the output of a network."""
        return Output(self(features))


class HingeHead(Head):
    """Margins, trained by the hinge loss, one class against the rest; probabilities are their sigmoids over the sum."""

    def output(self, features: Float[Tensor, "B C"]) -> Output:
        """Return logarithms of the sigmoids as scores, for a softmax divides their exponentials by the sum."""
        margins = self(features)
        return Output(functional.logsigmoid(margins), margins=margins)


class TwoHeads(Head):
    """A softmax head and a hinge head, whose probabilities are averaged."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__(features, classes)
        self.hinge = HingeHead(features, classes)

    def output(self, features: Float[Tensor, "B C"]) -> Output:
        """Return logarithms of the mean probabilities as scores."""
        scores, hinge = self(features), self.hinge.output(features)
        each = torch.stack([scores.log_softmax(1), hinge.logits.log_softmax(1)])
        logits = each.logsumexp(0) - math.log(2)
        return Output(logits, margins=hinge.margins, softmax_scores=scores)


HEADS: dict[HeadKind, type[Head]] = {"softmax": Head, "hinge": HingeHead, "both": TwoHeads}
