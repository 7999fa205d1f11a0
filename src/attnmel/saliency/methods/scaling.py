"""Raw maps of any size to maps in [0, 1] at the input's size.

A map that is not finite is not mended: it stays so, for the measures to refuse.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

FLAT = 1e-5
"""Range of a map, as a share of its largest size, up to which it is taken as constant: float32 rounds finer than that
in up-sampling."""


def upsampled(maps: Float[Tensor, "B h w"], side: int) -> Float[Tensor, "B s s"]:
    """Interpolate bilinearly between pixel centres, in float32 or finer."""
    maps = maps.to(torch.promote_types(maps.dtype, torch.float32))
    return functional.interpolate(maps[:, None], size=(side, side), mode="bilinear", align_corners=False)[:, 0]


def stretched(maps: Float[Tensor, "B s s"]) -> Float[Tensor, "B s s"]:
    """Spread each map over [0, 1], lowest to 0 and highest to 1; a constant map becomes 0."""
    low, high = _range(maps)
    return unless_flat(maps, (maps - low) / (high - low))


def positive(maps: Float[Tensor, "B s s"]) -> Float[Tensor, "B s s"]:
    """Keep what is above 0, divided by each map's highest value; 0 where a map is constant or nowhere above 0."""
    _, high = _range(maps)
    return unless_flat(maps, torch.where(high <= 0, 0.0, maps.relu() / high))


def unless_flat(maps: Float[Tensor, "B s s"], shown: Float[Tensor, "B s s"]) -> Float[Tensor, "B s s"]:
    """Return `shown`, 0 everywhere for each image whose map is constant: it prefers no place."""
    low, high = _range(maps)
    flat = high - low <= FLAT * torch.maximum(low.abs(), high.abs())
    return torch.where(flat, 0.0, shown)


def _range(maps: Float[Tensor, "B s s"]) -> tuple[Float[Tensor, "B 1 1"], Float[Tensor, "B 1 1"]]:
    return maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
