"""What every network returns.

One legend of shapes holds for the whole package: B batch, K classes, S prepared side, s crop side, h and w map size,
C channels, N images.
"""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor


class Output(NamedTuple):
    """Scores of the classes, and the attention maps that led to them."""

    logits: Float[Tensor, "B K"]
    """Scores before the softmax, in the precision of the last layer's weights."""
    attention: tuple[Float[Tensor, "B 1 h w"], ...] = ()
    """Maps in [0, 1] on pool-3, then on pool-4; empty for a network without gates."""
