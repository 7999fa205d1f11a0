"""The maps that a network itself weighs its features by."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from attnmel.errors import ConfigError
from attnmel.models.output import Output
from attnmel.number_formats import significant
from attnmel.records import ATTENTION_MAPS
from attnmel.saliency.methods.class_scores import evaluation_mode
from attnmel.saliency.methods.scaling import unless_flat, upsampled

ROUNDING = 1e-3
"""By how much a map of half precision may pass 1."""


def attention(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"], *, gate: str
) -> Float[Tensor, "B s s"]:
    """Return the map of the gate "pool3" or "pool4"; it is the same for every class.

    Values are as the network gave them; a map that is constant becomes 0.
    """
    return attention_maps(network, images)[gate]


@torch.no_grad()
def attention_maps(network: nn.Module, images: Float[Tensor, "B 3 s s"]) -> dict[str, Float[Tensor, "B s s"]]:
    """Return the maps of all gates from one pass, by name.

    They are the part of an `Output` after the scores, or of a user's tuple or list: maps [B, 1, h, w], one by one or
    together, that on pool-3 first.

    Raises:
        ConfigError: the network returns no such maps, or a value outside [0, 1].
    """
    with evaluation_mode(network):
        answer = network(images)
    found = _maps_of(answer)
    if len(found) != len(ATTENTION_MAPS):
        raise ConfigError(
            f"the network {type(network).__name__} returns {len(found) or 'no'} attention maps; expected "
            f"{len(ATTENTION_MAPS)} ({', '.join(ATTENTION_MAPS)}), as an attnmel-cnn does: for a network without gates "
            "use gradcam-pool5, or gradcam:LAYER"
        )
    return {name: _shown(one, images.shape[-1]) for name, one in zip(ATTENTION_MAPS, found, strict=True)}


def _maps_of(answer: object) -> list[Float[Tensor, "B 1 h w"]]:
    if isinstance(answer, Output):
        return list(answer.attention)
    rest = answer[1:] if isinstance(answer, tuple | list) else ()
    parts = [one for part in rest for one in (part if isinstance(part, tuple | list) else (part,))]
    return [one for one in parts if isinstance(one, Tensor) and one.ndim == 4 and one.shape[1] == 1]


def _shown(maps: Float[Tensor, "B 1 h w"], side: int) -> Float[Tensor, "B s s"]:
    large = upsampled(maps[:, 0], side)
    low, high = large.min().item(), large.max().item()
    if not (low >= 0 and high <= 1 + ROUNDING):
        raise ConfigError(
            f"an attention map lies in [{significant(low)}, {significant(high)}], expected values in [0, 1]"
        )
    return unless_flat(large, large.clamp(max=1))
