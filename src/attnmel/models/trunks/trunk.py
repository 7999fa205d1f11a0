"""A trunk: layers that turn images into maps of strides 8, 16 and 32, of which the first may be frozen."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnmel.config.fields import STRIDE
from attnmel.errors import ConfigError

FIRST_GIVEN = 3
"""The shallowest pool that a trunk gives."""


class TrunkMaps(NamedTuple):
    """Maps of one batch at three depths."""

    stride8: Float[Tensor, "B C h w"]
    stride16: Float[Tensor, "B C h w"]
    stride32: Float[Tensor, "B C h w"]


Pooled = Mapping[int, Float[Tensor, "B C h w"]]
"""Maps by their pool: pool k ends the layers of stride 2^k, in VGG-16 the k-th max-pooling."""


class Trunk(nn.Module):
    """A trunk, whatever its layers; the names in its state dict are torchvision's ("features.0.weight", ...)."""

    features: nn.Sequential
    """All layers, one after another."""
    ends: tuple[int, ...]
    """Places in `features` of its pools, where the layers of strides 2, 4, 8, 16 and 32 end."""
    channels: tuple[int, int, int]
    """Of the three maps."""

    def __init__(self) -> None:
        super().__init__()
        self.frozen = 0
        """The pool up to which layers stay as they are; 0 where all are trained."""

    def forward(self, images: Float[Tensor, "B 3 s s"] | Pooled) -> TrunkMaps:
        """Give the three maps of normalised images, or of their frozen maps by `frozen_maps`."""
        if isinstance(images, Tensor):
            check_size(images.shape[-2], images.shape[-1])
            maps = self._maps(images, 0)
        else:
            # As the weights are; under autocast a convolution casts to its own precision itself.
            maps = {pool: one.float() if one.dtype == torch.float16 else one for pool, one in images.items()}
            deepest = max(maps)
            maps |= self._maps(maps[deepest], self.ends[deepest - 1] + 1)
        return TrunkMaps(maps[3], maps[4], maps[5])

    def freeze(self, pool: int) -> None:
        """Keep all layers up to a pool as they are: no gradient, and batch-norm as in evaluation, in training too.

        Raises:
            ConfigError: the trunk has no such pool.
        """
        if not 1 <= pool <= len(self.ends):
            raise ConfigError(
                f"training.freeze = 'pool{pool}', but the trunk has pools 1 to {len(self.ends)}; freeze up to one of "
                "them, or set training.freeze=none"
            )
        self.frozen = pool
        self.frozen_part().requires_grad_(False).eval()

    def frozen_part(self) -> nn.Sequential:
        """Return the frozen layers."""
        stop = self.ends[self.frozen - 1] + 1 if self.frozen else 0
        return nn.Sequential(*list(self.features)[:stop])

    def frozen_maps(self, images: Float[Tensor, "B 3 s s"]) -> dict[int, Tensor]:
        """Give, of normalised images, the frozen maps that `forward` needs in their place: pools 3 to 5, and the last.

        Raises:
            ConfigError: the images' side is not a multiple of 32, or nothing is frozen.
        """
        check_size(images.shape[-2], images.shape[-1])
        if not self.frozen:
            raise ConfigError("the trunk has no frozen layers; freeze it first")
        maps = self._maps(images, 0, self.ends[self.frozen - 1] + 1)
        return {pool: one for pool, one in maps.items() if pool >= min(FIRST_GIVEN, self.frozen)}

    def train(self, mode: bool = True) -> "Trunk":
        """Train or evaluate the layers that are not frozen."""
        super().train(mode)
        self.frozen_part().eval()
        return self

    def _maps(self, features: Tensor, start: int, stop: int | None = None) -> dict[int, Tensor]:
        maps = {}
        for place, layer in enumerate(self.features):
            if start <= place and (stop is None or place < stop):
                features = layer(features)
                if place in self.ends:
                    maps[self.ends.index(place) + 1] = features
        return maps


def frozen_pool(name: str) -> int:
    """Return the number in "pool1" to "pool5", 0 for "none", of the setting `training.freeze`."""
    return 0 if name == "none" else int(name.removeprefix("pool"))


def kept_channels(channels: int, width: float) -> int:
    """Return `width` of a layer's channels, rounded, at least one."""
    return max(1, round(channels * width))


def check_size(height: int, width: int) -> None:
    """Refuse an input whose sides in pixels the trunk's stride does not divide.

    Raises:
        ConfigError: a side that does not fit; names the nearest that do.
    """
    for side in (height, width):
        if side % STRIDE or side == 0:
            below = side // STRIDE * STRIDE
            fits = f"{below} or {below + STRIDE}" if below else f"{STRIDE}"
            raise ConfigError(
                f"the input is {width}x{height} pixels, but a side must be a multiple of {STRIDE}; "
                f"nearest to {side}: {fits}. Set data.size to it."
            )
