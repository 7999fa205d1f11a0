"""The trunks by name; a further one is one more entry."""

from collections.abc import Callable, Iterable
from functools import partial

from attnmel.models.trunks.efficientnet_lite import VARIANTS, EfficientNetLiteTrunk
from attnmel.models.trunks.mobilenet import MobileNetV2Trunk
from attnmel.models.trunks.trunk import Trunk
from attnmel.models.trunks.vgg import VggTrunk

HEAVY_TRUNKS = ("vgg16_bn", "vgg16")
"""Trunks whose first maps have the full size of the image and 64 channels, so that they take much memory."""
TRUNKS: dict[str, Callable[..., Trunk]] = {
    "vgg16_bn": partial(VggTrunk, batch_norm=True),
    "vgg16": partial(VggTrunk, batch_norm=False),
    "mobilenet_v2": MobileNetV2Trunk,  # about a seventh of VGG-16's parameters
    # 3.4, 4.1 and 4.8 million parameters; their weights are of images of 224, 240 and 260 pixels.
    "efficientnet_lite0": partial(EfficientNetLiteTrunk, VARIANTS[0]),
    "efficientnet_lite1": partial(EfficientNetLiteTrunk, VARIANTS[1]),
    "efficientnet_lite2": partial(EfficientNetLiteTrunk, VARIANTS[2]),
}
"""What builds each with a random start, from the share of its channels that is kept and the padding of its strided
convolutions ("symmetric" by default)."""


def all_light(trunks: Iterable[str]) -> bool:
    """Return whether none of the trunks is a heavy one, so that freed memory may be kept in the process."""
    return not set(trunks).intersection(HEAVY_TRUNKS)
