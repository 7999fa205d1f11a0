"""MobileNetV2: a light trunk of inverted residuals, for phones, CPUs and quick studies."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from attnmel.models.trunks.depthwise import Depthwise
from attnmel.models.trunks.trunk import Padding, Trunk


class Group(NamedTuple):
    """Blocks of one width, one after another; the first one has the stride."""

    expansion: int
    channels: int
    blocks: int
    stride: int


# Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", CVPR 2018, table 2, with the convolutions
# before and after the groups.
FIRST_CHANNELS = 32
GROUPS = (
    Group(1, 16, 1, 1),
    Group(6, 24, 2, 2),
    Group(6, 32, 3, 2),
    Group(6, 64, 4, 2),
    Group(6, 96, 3, 1),
    Group(6, 160, 3, 2),
    Group(6, 320, 1, 1),
)
LAST_CHANNELS = 1280
"""Not fewer in a narrower trunk; section 5 of the paper, under table 2."""

MULTIPLE = 8
LEAST_KEPT = 0.9


class MobileNetV2Trunk(Trunk):
    """MobileNetV2 without its classifier, each layer but the last keeping about `width` of its channels.

    The maps are the outputs of the last block of strides 8 and 16 (linear, so of either sign), and the last layer's at
    stride 32. Random start: Kaiming-normal by fan-out, batch-norm 1 and 0 (the same as torchvision's).
    """

    def __init__(self, *, width: float, padding: Padding) -> None:
        super().__init__()
        inputs = divisible(FIRST_CHANNELS * width)
        layers: list[nn.Module] = [layer(3, inputs, kernel=3, stride=2, padding=padding)]
        for group in GROUPS:
            outputs = divisible(group.channels * width)
            for place in range(group.blocks):
                stride = group.stride if place == 0 else 1
                layers.append(InvertedResidual(inputs, outputs, group.expansion, stride, padding))
                inputs = outputs
        layers.append(layer(inputs, LAST_CHANNELS))
        self.features = nn.Sequential(*layers)
        self.channels = (divisible(GROUPS[2].channels * width), divisible(GROUPS[4].channels * width), LAST_CHANNELS)
        # The last blocks before a stride's next doubling, and the last layer.
        self.ends = (*(sum(group.blocks for group in GROUPS[:count]) for count in (1, 2, 3, 5)), len(layers) - 1)
        start_at_random(self)


class InvertedResidual(nn.Module):
    """1x1 to `expansion` times the channels, 3x3 within each channel, 1x1 back without ReLU; the input added if alike.

    Figure 4d of the paper; an expansion of 1 has no first convolution. `kernel` is that of the second convolution.
    """

    def __init__(
        self, inputs: int, outputs: int, expansion: int, stride: int, padding: Padding, *, kernel: int = 3
    ) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.conv = nn.Sequential(
            *([layer(inputs, hidden)] if expansion > 1 else []),
            layer(hidden, hidden, kernel=kernel, stride=stride, groups=hidden, padding=padding),
            nn.Conv2d(hidden, outputs, kernel_size=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.adds_input = stride == 1 and inputs == outputs

    def forward(self, images: Float[Tensor, "B C h w"]) -> Float[Tensor, "B D p q"]:
        """Give the block's output, of half the side at stride 2."""
        # Added in place: a batch-norm does not need its own output for the gradient.
        return self.conv(images).add_(images) if self.adds_input else self.conv(images)


class PaddedAtTheEnd(nn.Conv2d):
    """A convolution of stride 2 and odd side padded as TensorFlow's "SAME" pads an even side: less before than after.

    3x3: 0 on the left and above, 1 on the right and below; 5x5: 1 and 2.
    """

    def forward(self, input: Float[Tensor, "B C h w"]) -> Float[Tensor, "B D p q"]:
        """Convolve a map of even sides."""
        after = self.kernel_size[0] // 2
        return super().forward(functional.pad(input, (after - 1, after, after - 1, after)))


def start_at_random(trunk: nn.Module) -> None:
    """Draw each convolution's weights Kaiming-normal by fan-out."""
    for module in trunk.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def divisible(channels: float) -> int:
    """Return the multiple of 8 nearest to a number of channels, the next one where that keeps less than 0.9 of it."""
    nearest = max(MULTIPLE, int(channels + MULTIPLE / 2) // MULTIPLE * MULTIPLE)
    return nearest if nearest >= LEAST_KEPT * channels else nearest + MULTIPLE


def layer(
    inputs: int, outputs: int, *, kernel: int = 1, stride: int = 1, groups: int = 1, padding: Padding = "symmetric"
) -> nn.Sequential:
    """Return a convolution of odd side with batch-norm and ReLU6; `padding` matters at stride 2."""
    shape = {"kernel_size": kernel, "stride": stride, "groups": groups, "bias": False}
    at_the_end = padding == "tensorflow" and stride == 2
    if at_the_end:
        kind = DepthwisePaddedAtTheEnd if groups > 1 else PaddedAtTheEnd
        convolution = kind(inputs, outputs, **shape)
    else:
        kind = Depthwise if groups > 1 else nn.Conv2d
        convolution = kind(inputs, outputs, padding=kernel // 2, **shape)
    # In place, as in VGG: a batch-norm does not need its own output for the gradient.
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU6(inplace=True))


class DepthwisePaddedAtTheEnd(PaddedAtTheEnd, Depthwise):
    """`PaddedAtTheEnd` within each channel."""
