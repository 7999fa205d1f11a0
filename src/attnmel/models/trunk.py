"""What every trunk is: a network that turns images into maps of strides 8, 16 and 32."""

from abc import abstractmethod
from typing import Literal, NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from attnmel.errors import ConfigError
from attnmel.limits import STRIDE

Padding = Literal["symmetric", "tensorflow"]
PADDINGS: tuple[Padding, ...] = ("symmetric", "tensorflow")


class TrunkMaps(NamedTuple):
    """Maps of one batch at three depths."""

    stride8: Float[Tensor, "B C h w"]
    stride16: Float[Tensor, "B C h w"]
    stride32: Float[Tensor, "B C h w"]


class Trunk(nn.Module):
    """A trunk, whatever its layers; the names in its state dict are torchvision's ("features.0.weight", ...)."""

    channels: tuple[int, int, int]
    """Of the three maps."""

    @abstractmethod
    def forward(self, images: Float[Tensor, "B 3 s s"]) -> TrunkMaps:
        """Give the three maps of normalised images.

        Raises:
            ConfigError: the images' side is not a multiple of 32.
        """


def scaled(channels: int, width: float) -> int:
    """Return `width` of a layer's channels, rounded, at least one."""
    return max(1, round(channels * width))


def check_size(height: int, width: int) -> None:
    """Refuse an input whose sides in pixels the trunk's stride does not divide.

    Raises:
        ConfigError: says the nearest sizes that fit.
    """
    for side in (height, width):
        if side % STRIDE or side == 0:
            below = side // STRIDE * STRIDE
            fits = f"{below} or {below + STRIDE}" if below else f"{STRIDE}"
            raise ConfigError(
                f"the input is {width}x{height} pixels, but a side must be a multiple of {STRIDE}; "
                f"nearest to {side}: {fits}. Set data.size to it."
            )
