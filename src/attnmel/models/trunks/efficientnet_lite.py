"""EfficientNet-Lite 0, 1 and 2: light trunks of inverted residuals without squeeze-and-excitation.

TensorFlow's models/official/efficientnet/lite (github.com/tensorflow/tpu) is the source: EfficientNet-B0 (Tan and Le,
ICML 2019, table 1) with ReLU6 in place of swish, and a first and last layer that do not grow with the model.
"""

import math
from typing import NamedTuple

from torch import nn

from attnmel.models.trunks.mobilenet import InvertedResidual, divisible, layer, start_at_random
from attnmel.models.trunks.trunk import Padding, Trunk


class Stage(NamedTuple):
    """Blocks of one width, one after another; the first one has the stride."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


# Of efficientnet_lite_builder.py, `_DEFAULT_BLOCKS_ARGS`, with the convolutions before and after the stages.
FIRST_CHANNELS = 32
STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
LAST_CHANNELS = 1280
"""Not fewer in a narrower trunk, as in MobileNetV2."""

STAGES_TO_MAPS = (3, 5)
"""Stages up to the ends of strides 8 and 16."""

# Of the same file: epsilon .001, and a decay of .99, which torch counts as a momentum of 1 - .99.
EPSILON = 1e-3
MOMENTUM = 0.01


class Variant(NamedTuple):
    """What makes one EfficientNet-Lite of the stages: factors of channels and of blocks."""

    wider: float
    deeper: float


VARIANTS = (Variant(1.0, 1.0), Variant(1.0, 1.1), Variant(1.1, 1.2))
"""EfficientNet-Lite 0, 1 and 2; of efficientnet_lite_builder.py, `efficientnet_lite_params`."""


class EfficientNetLiteTrunk(Trunk):
    """EfficientNet-Lite without its classifier, each layer but the last keeping about `width` of its channels.

    The maps are the outputs of the last block of strides 8 and 16 (linear, so of either sign), and the last layer's at
    stride 32. Random start: Kaiming-normal by fan-out, batch-norm 1 and 0. Whole blocks are not dropped at random in
    training (TensorFlow's "drop connect"), so that a trunk trains as the other trunks do.
    """

    def __init__(self, variant: Variant, *, width: float, padding: Padding) -> None:
        super().__init__()
        inputs = divisible(FIRST_CHANNELS * width)
        layers: list[nn.Module] = [layer(3, inputs, kernel=3, stride=2, padding=padding)]
        # Places of the layers that end each stage.
        ends, channels = [], []
        for stage, blocks in zip(STAGES, blocks_of(variant), strict=True):
            outputs = divisible(divisible(stage.channels * variant.wider) * width)
            for place in range(blocks):
                stride = stage.stride if place == 0 else 1
                layers.append(InvertedResidual(inputs, outputs, stage.expansion, stride, padding, kernel=stage.kernel))
                inputs = outputs
            ends.append(len(layers) - 1)
            channels.append(outputs)
        layers.append(layer(inputs, LAST_CHANNELS))
        self.features = nn.Sequential(*layers)
        # The last stages before a stride's next doubling, and the last layer.
        self.ends = (*(ends[count - 1] for count in (1, 2, *STAGES_TO_MAPS)), len(layers) - 1)
        stride8, stride16 = (channels[count - 1] for count in STAGES_TO_MAPS)
        self.channels = (stride8, stride16, LAST_CHANNELS)
        start_at_random(self)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps, module.momentum = EPSILON, MOMENTUM


def blocks_of(variant: Variant) -> tuple[int, ...]:
    """Return the number of blocks of each stage: more in a deeper variant, but in the first and the last stage."""
    between = (math.ceil(stage.blocks * variant.deeper) for stage in STAGES[1:-1])
    return (STAGES[0].blocks, *between, STAGES[-1].blocks)
