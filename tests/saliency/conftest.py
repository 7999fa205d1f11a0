"""Two small networks: one whose evidence is known, and one that is random."""

import pytest
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from attnmel.models.attention import AttentionGate
from attnmel.models.classifiers import build_network
from attnmel.models.heads import Head

SIDE = 128


class SquareTrunk(nn.Module):
    """Averages at strides 8, 16 and 32 of two channels: brightness inside the square, and outside."""

    def __init__(self, square: Bool[Tensor, "s s"]) -> None:
        super().__init__()
        self.square = square
        self.to_eighth = nn.AvgPool2d(8)
        self.to_sixteenth = nn.AvgPool2d(2)
        self.to_thirty_second = nn.AvgPool2d(2)

    def forward(self, images: Float[Tensor, "B 3 s s"]) -> tuple[Tensor, ...]:
        """Average."""
        brightness, side = images.mean(1), images.shape[-1]
        square = self.square[:side, :side]
        shallow = self.to_eighth(torch.stack([brightness * square, brightness * ~square], dim=1))
        deep = self.to_sixteenth(shallow)
        return shallow, deep, self.to_thirty_second(deep)


class TinyTrunk(nn.Module):
    """Three convolutions in the style of VGG, working in place."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(8)),
            *(nn.Conv2d(4, 5, 3, padding=1), nn.BatchNorm2d(5), nn.ReLU(inplace=True), nn.MaxPool2d(2)),
            *(nn.Conv2d(5, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.MaxPool2d(2)),
        )

    def forward(self, images: Float[Tensor, "B 3 s s"]) -> tuple[Tensor, ...]:
        """Give the maps after each pooling."""
        maps = []
        for layer in self.features:
            images = layer(images)
            if isinstance(layer, nn.MaxPool2d):
                maps.append(images)
        return tuple(maps)


def gated(trunk: nn.Module, gates: list[AttentionGate], head: Head) -> nn.Module:
    """An AttnMel-CNN of these parts."""
    network = build_network("attnmel-cnn", width=0.02, classes=2)
    for name, part in (("trunk", trunk), ("gates", nn.ModuleList(gates)), ("head", head)):
        network.set_submodule(name, part)
    return network


def open_gate() -> AttentionGate:
    """A gate that opens where the first channel is bright."""
    gate = AttentionGate(2, 2, hidden=1)
    for weights, values in ((gate.local_weights, (1.0, 0.0)), (gate.global_weights, (0.0, 0.0)), (gate.score, (9.0,))):
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
def square_network(square: Bool[Tensor, "s s"]) -> nn.Module:
    """The score of class 1 is the brightness of the square, that of class 0 the brightness of all around it."""
    network = gated(SquareTrunk(square), [open_gate(), open_gate()], Head(6, 2))
    inside, outside = [1.0, 0.0] * 3, [0.0, 1.0] * 3
    network.get_parameter("head.weight").data = torch.tensor([outside, inside])
    return network


@pytest.fixture
def bright() -> Float[Tensor, "B 3 s s"]:
    """Images that are about as bright everywhere: only the network tells the square from the rest."""
    return 0.75 + 0.5 * torch.rand(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def network() -> nn.Module:
    """A random AttnMel-CNN for three classes, in training mode."""
    # Of the seeds from 0 on, the first with evidence for the class of each image at each stage.
    torch.manual_seed(14)
    return gated(TinyTrunk(), [AttentionGate(4, 6, 3), AttentionGate(5, 6, 3)], Head(15, 3))


@pytest.fixture
def images() -> Float[Tensor, "B 3 s s"]:
    return torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def classes() -> Tensor:
    """One an image."""
    return torch.tensor([0, 2, 1])
