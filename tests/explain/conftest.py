"""A network whose evidence is known: class 1 is the brightness of one square, class 0 that of all around it."""

import pytest
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from attnmel.models.attention import AttentionGate
from attnmel.models.classifiers import MelNetwork
from attnmel.models.trunks import TrunkMaps

SIDE = 128


class Split(nn.Module):
    """Images to two channels: their brightness inside the square, and outside."""

    def __init__(self, square: Bool[Tensor, "s s"]) -> None:
        super().__init__()
        self.square = square

    def forward(self, images: Float[Tensor, "B 3 s s"]) -> Float[Tensor, "B 2 s s"]:
        """Split."""
        brightness = images.mean(1)
        side = images.shape[-1]
        square = self.square[:side, :side]
        return torch.stack([brightness * square, brightness * ~square], dim=1)


class SquareTrunk(nn.Module):
    """Averages of the two channels at strides 8, 16 and 32."""

    channels = (2, 2, 2)

    def __init__(self, square: Bool[Tensor, "s s"]) -> None:
        super().__init__()
        self.split = Split(square)
        self.eighth = nn.AvgPool2d(8)
        self.half = nn.AvgPool2d(2)
        self.last = nn.AvgPool2d(2)

    def forward(self, images: Float[Tensor, "B 3 s s"]) -> TrunkMaps:
        """Average."""
        shallow = self.eighth(self.split(images))
        deep = self.half(shallow)
        return TrunkMaps(shallow, deep, self.last(deep))


def open_gate() -> AttentionGate:
    """A gate that opens where the first channel is bright."""
    gate = AttentionGate(2, 2, hidden=1)
    for weights, values in ((gate.local_weights, (1.0, 0.0)), (gate.global_weights, (0.0, 0.0)), (gate.score, (9.0,))):
        nn.init.zeros_(weights.weight)
        weights.weight.data = torch.tensor(values)[None, :, None, None]
    nn.init.constant_(gate.score.bias, -4.0)  # pyright: ignore[reportArgumentType] - this convolution has a bias
    return gate


@pytest.fixture
def square() -> Bool[Tensor, "s s"]:
    """Where class 1 is decided: a quarter of the image, in a corner, whose borders are those of the coarsest cells."""
    inside = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    inside[SIDE // 2 :, : SIDE // 2] = True
    return inside


@pytest.fixture
def square_network(square: Bool[Tensor, "s s"]) -> MelNetwork:
    network = MelNetwork(SquareTrunk(square), [open_gate(), open_gate()], classes=2)  # pyright: ignore[reportArgumentType] - a trunk by its shape
    inside, outside = [0.0, 1.0] * 3, [1.0, 0.0] * 3
    network.head.weight.data = torch.tensor([inside, outside])
    return network


@pytest.fixture
def bright() -> Float[Tensor, "B 3 s s"]:
    """Images that are about as bright everywhere: only the network tells the square from the rest."""
    return 0.75 + 0.5 * torch.rand(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
