import pytest
import torch
from torch import nn

from attnmel.models.classifiers import build_network
from attnmel.models.trunks.registry import TRUNKS
from attnmel.saliency.methods.layers import map_layers, stage_layers


@pytest.mark.parametrize("trunk", TRUNKS)
def test_the_stages_of_every_trunk_are_the_modules_that_give_its_maps(trunk: str) -> None:
    torch.manual_seed(0)
    network = build_network("mel-cnn", trunk=trunk, width=0.1, classes=2).eval()
    images = torch.randn(1, 3, 64, 64)
    found = []
    stages = stage_layers(network, images)
    assert list(stages) == ["pool3", "pool4", "pool5"]
    for name in stages.values():
        network.get_submodule(name).register_forward_hook(lambda module, _, output: found.append(output.clone()))
    maps = network.get_submodule("trunk")(images)
    assert all(torch.equal(one, other) for one, other in zip(maps, found, strict=True))


def test_the_layers_of_maps_are_told_in_the_order_of_the_network() -> None:
    own = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert map_layers(own, torch.randn(2, 3, 16, 16)) == ["0", "1", "2"]
    assert stage_layers(own, torch.randn(2, 3, 16, 16)) == {}


def test_gates_and_stages_are_among_the_layers_of_an_attnmel_cnn(network: nn.Module, images: torch.Tensor) -> None:
    names = map_layers(network, images)
    assert names[:3] == ["pool3", "pool4", "pool5"]
    assert {"trunk.features.11", "gates.0.score", "gates.1.score"} <= set(names)
