"""AttnMel-CNN on a light trunk as a plain script would write it: float32, contiguous, no code of the program."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from plain_network import PlainGate

HIDDEN = 256
"""Of the gates."""


class Stage(NamedTuple):
    """Blocks of one width; the first one has the stride."""

    expansion: int
    channels: int
    blocks: int
    stride: int
    kernel: int


STAGES = {
    "mobilenet_v2": (
        *(Stage(1, 16, 1, 1, 3), Stage(6, 24, 2, 2, 3), Stage(6, 32, 3, 2, 3), Stage(6, 64, 4, 2, 3)),
        *(Stage(6, 96, 3, 1, 3), Stage(6, 160, 3, 2, 3), Stage(6, 320, 1, 1, 3)),
    ),
    "efficientnet_lite0": (
        *(Stage(1, 16, 1, 1, 3), Stage(6, 24, 2, 2, 3), Stage(6, 40, 2, 2, 5), Stage(6, 80, 3, 2, 3)),
        *(Stage(6, 112, 3, 1, 5), Stage(6, 192, 4, 2, 5), Stage(6, 320, 1, 1, 3)),
    ),
}
ENDS = (3, 5)
"""How many stages end at strides 8 and 16."""


def plain_layer(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Return convolution, batch-norm and ReLU6."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU6(inplace=True)]


class PlainResidual(nn.Module):
    """An inverted residual."""

    def __init__(self, inputs: int, stage: Stage, stride: int) -> None:
        super().__init__()
        hidden = inputs * stage.expansion
        self.adds = stride == 1 and inputs == stage.channels
        self.layers = nn.Sequential(
            *(plain_layer(inputs, hidden) if stage.expansion > 1 else []),
            *plain_layer(hidden, hidden, stage.kernel, stride, hidden),
            nn.Conv2d(hidden, stage.channels, 1, bias=False),
            nn.BatchNorm2d(stage.channels),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Give the block's output."""
        return images + self.layers(images) if self.adds else self.layers(images)


class PlainLight(nn.Module):
    """The trunk in three parts, gates on the ends of strides 8 and 16, one linear layer."""

    def __init__(self, trunk: str) -> None:
        super().__init__()
        stages, inputs = [], 32
        for stage in STAGES[trunk]:
            blocks = []
            for place in range(stage.blocks):
                blocks.append(PlainResidual(inputs, stage, stage.stride if place == 0 else 1))
                inputs = stage.channels
            stages.append(nn.Sequential(*blocks))
        first, last = nn.Sequential(*plain_layer(3, 32, 3, 2)), nn.Sequential(*plain_layer(inputs, 1280))
        shallow, deep = ENDS
        parts = ([first, *stages[:shallow]], stages[shallow:deep], [*stages[deep:], last])
        self.parts = nn.ModuleList(nn.Sequential(*part) for part in parts)
        local = [STAGES[trunk][end - 1].channels for end in ENDS]
        self.gates = nn.ModuleList([PlainGate(channels, 1280, HIDDEN) for channels in local])
        self.head = nn.Linear(1280 + sum(local), 2)

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Give the scores and both maps."""
        maps = []
        for part in self.parts:
            images = part(images)
            maps.append(images)
        (shallow, map3), (deep, map4) = (gate(one, images) for gate, one in zip(self.gates, maps[:2], strict=True))
        return self.head(torch.cat([images.mean((2, 3)), shallow, deep], dim=1)), [map3, map4]
