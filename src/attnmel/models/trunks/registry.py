"""The trunks by name; a further one is one more function that returns a `Trunk`."""

from typing import Protocol

from attnmel.models.trunks.efficientnet_lite import VARIANTS, EfficientNetLiteTrunk
from attnmel.models.trunks.mobilenet import MobileNetV2Trunk
from attnmel.models.trunks.trunk import Padding, Trunk
from attnmel.models.trunks.vgg import VggTrunk


class BuildTrunk(Protocol):
    """Builds a trunk with a random start that keeps a share of its channels."""

    def __call__(self, width: float, padding: Padding = "symmetric") -> Trunk:
        """Build it; `padding` is that of its convolutions of stride 2."""
        ...


def vgg16_bn(width: float, padding: Padding = "symmetric") -> VggTrunk:
    """VGG-16 with batch-norm; its strides are all 1, where the two paddings are one."""
    return VggTrunk(batch_norm=True, width=width)


def vgg16(width: float, padding: Padding = "symmetric") -> VggTrunk:
    """VGG-16 as in the paper, without batch-norm; its strides are all 1, where the two paddings are one."""
    return VggTrunk(batch_norm=False, width=width)


def mobilenet_v2(width: float, padding: Padding = "symmetric") -> MobileNetV2Trunk:
    """MobileNetV2, about a seventh of VGG-16's parameters."""
    return MobileNetV2Trunk(width=width, padding=padding)


def efficientnet_lite0(width: float, padding: Padding = "symmetric") -> EfficientNetLiteTrunk:
    """EfficientNet-Lite 0, 3.4 million parameters; its weights are of images of 224 pixels."""
    return EfficientNetLiteTrunk(VARIANTS[0], width=width, padding=padding)


def efficientnet_lite1(width: float, padding: Padding = "symmetric") -> EfficientNetLiteTrunk:
    """EfficientNet-Lite 1, 4.1 million parameters; its weights are of images of 240 pixels."""
    return EfficientNetLiteTrunk(VARIANTS[1], width=width, padding=padding)


def efficientnet_lite2(width: float, padding: Padding = "symmetric") -> EfficientNetLiteTrunk:
    """EfficientNet-Lite 2, 4.8 million parameters; its weights are of images of 260 pixels."""
    return EfficientNetLiteTrunk(VARIANTS[2], width=width, padding=padding)


HEAVY_TRUNKS = ("vgg16_bn", "vgg16")
"""Trunks whose first maps have the full size of the image and 64 channels, so that training takes much memory."""

TRUNKS: dict[str, BuildTrunk] = {
    "vgg16_bn": vgg16_bn,
    "vgg16": vgg16,
    "mobilenet_v2": mobilenet_v2,
    "efficientnet_lite0": efficientnet_lite0,
    "efficientnet_lite1": efficientnet_lite1,
    "efficientnet_lite2": efficientnet_lite2,
}
