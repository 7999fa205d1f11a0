"""Light trunks of inverted residuals, for phones, CPUs and quick studies; MobileNetV2."""

from collections.abc import Sequence
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from attnmel.config.settings.model import Padding
from attnmel.models.trunks.depthwise import Depthwise
from attnmel.models.trunks.trunk import Trunk


class Stage(NamedTuple):
    """Blocks of one width, one after another; the first one has the stride."""

    expansion: int
    channels: int
    blocks: int
    stride: int
    kernel: int = 3


# Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", CVPR 2018, table 2, with the convolutions
# before and after the stages.
FIRST_CHANNELS = 32
STAGES = (
    Stage(1, 16, 1, 1),
    Stage(6, 24, 2, 2),
    Stage(6, 32, 3, 2),
    Stage(6, 64, 4, 2),
    Stage(6, 96, 3, 1),
    Stage(6, 160, 3, 2),
    Stage(6, 320, 1, 1),
)
LAST_CHANNELS = 1280
"""Not fewer in a narrower trunk; section 5 of the paper, under table 2."""

MULTIPLE = 8
LEAST_KEPT = 0.9


class InvertedTrunk(Trunk):
    """Stages of inverted residuals, seven of them, between a first and a last convolution with batch-norm and ReLU6.

    The maps are the outputs of the last block of strides 8 and 16 (linear, so of either sign), and the last layer's at
    stride 32. Random start: Kaiming-normal by fan-out, batch-norm 1 and 0.
    """

    def __init__(self, stages: Sequence[Stage], first: int, padding: Padding) -> None:
        super().__init__()
        layers: list[nn.Module] = [layer(3, first, kernel=3, stride=2, padding=padding)]
        inputs, ends = first, []
        for stage in stages:
            for place in range(stage.blocks):
                stride = stage.stride if place == 0 else 1
                layers.append(
                    InvertedResidual(inputs, stage.channels, stage.expansion, stride, padding, kernel=stage.kernel)
                )
                inputs = stage.channels
            ends.append(len(layers) - 1)
        layers.append(layer(inputs, LAST_CHANNELS))
        self.features = nn.Sequential(*layers)
        # The last stages before a stride's next doubling, and the last layer.
        self.ends = (*(ends[stage] for stage in (0, 1, 2, 4)), len(layers) - 1)
        self.channels = (stages[2].channels, stages[4].channels, LAST_CHANNELS)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class MobileNetV2Trunk(InvertedTrunk):
    """MobileNetV2 without its classifier, each layer but the last keeping about `width` of its channels."""

    def __init__(self, width: float, padding: Padding = "symmetric") -> None:
        stages = [stage._replace(channels=divisible(stage.channels * width)) for stage in STAGES]
        super().__init__(stages, divisible(FIRST_CHANNELS * width), padding)


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
