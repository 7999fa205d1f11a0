"""EfficientNet-Lite 0, 1 and 2: light trunks of inverted residuals without squeeze-and-excitation.

TensorFlow's models/official/efficientnet/lite (github.com/tensorflow/tpu) is the source: EfficientNet-B0 (Tan and Le,
ICML 2019, table 1) with ReLU6 in place of swish, and a first and last layer that do not grow with the model.
"""

import math
from typing import NamedTuple

from torch import nn

from attnmel.config.settings.model import Padding
from attnmel.models.trunks.mobilenet import FIRST_CHANNELS, InvertedTrunk, Stage, divisible

# Of efficientnet_lite_builder.py, `_DEFAULT_BLOCKS_ARGS`.
STAGES = (
    Stage(1, 16, 1, 1),
    Stage(6, 24, 2, 2),
    Stage(6, 40, 2, 2, kernel=5),
    Stage(6, 80, 3, 2),
    Stage(6, 112, 3, 1, kernel=5),
    Stage(6, 192, 4, 2, kernel=5),
    Stage(6, 320, 1, 1),
)
# Of the same file: epsilon .001, and a decay of .99, which torch counts as a momentum of 1 - .99.
EPSILON = 1e-3
MOMENTUM = 0.01


class Variant(NamedTuple):
    """What makes one EfficientNet-Lite of the stages: factors of channels and of blocks."""

    wider: float
    deeper: float


VARIANTS = (Variant(1.0, 1.0), Variant(1.0, 1.1), Variant(1.1, 1.2))
"""EfficientNet-Lite 0, 1 and 2; of efficientnet_lite_builder.py, `efficientnet_lite_params`."""


class EfficientNetLiteTrunk(InvertedTrunk):
    """EfficientNet-Lite without its classifier, each layer but the last keeping about `width` of its channels.

    Whole blocks are not dropped at random in training (TensorFlow's "drop connect"), so that a trunk trains as the
    other trunks do.
    """

    def __init__(self, variant: Variant, width: float, padding: Padding = "symmetric") -> None:
        widths = [divisible(divisible(stage.channels * variant.wider) * width) for stage in STAGES]
        stages = [
            stage._replace(channels=channels, blocks=blocks)
            for stage, channels, blocks in zip(STAGES, widths, blocks_of(variant), strict=True)
        ]
        super().__init__(stages, divisible(FIRST_CHANNELS * width), padding)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps, module.momentum = EPSILON, MOMENTUM


def blocks_of(variant: Variant) -> tuple[int, ...]:
    """Return the number of blocks of each stage: more in a deeper variant, but in the first and the last stage."""
    between = (math.ceil(stage.blocks * variant.deeper) for stage in STAGES[1:-1])
    return (STAGES[0].blocks, *between, STAGES[-1].blocks)
