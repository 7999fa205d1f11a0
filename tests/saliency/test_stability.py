import pytest
import torch
from torch import Tensor, nn

from attnmel.evaluation.maps.agreement import map_likeness
from attnmel.saliency.methods.registry import build_method
from attnmel.saliency.stability import TURNS, Turn, turned_maps

CLASSES = torch.ones(3, dtype=torch.int64)


def equivariant() -> nn.Module:
    """A network without any sense of direction."""
    torch.manual_seed(0)
    features = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.AvgPool2d(8))
    return nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))


@pytest.mark.parametrize("name", TURNS)
def test_every_turn_is_undone(name: str) -> None:
    images = torch.rand(2, 3, 5, 5)
    turned = TURNS[name](images)
    assert not torch.equal(turned, images)
    assert torch.equal(TURNS[name].back(turned), images)


def test_turns_do_what_their_names_say() -> None:
    image = torch.tensor([[1, 2], [3, 4]])
    found = {name: turn(image).tolist() for name, turn in TURNS.items()}
    assert found == {
        "turned by 90 degrees": [[2, 4], [1, 3]],
        "turned by 180 degrees": [[4, 3], [2, 1]],
        "turned by 270 degrees": [[3, 1], [4, 2]],
        "mirrored left to right": [[2, 1], [4, 3]],
        "mirrored top to bottom": [[3, 4], [1, 2]],
    }


@pytest.mark.parametrize("name", ["gradcam:0", "gaussian"])
def test_maps_of_a_network_without_direction_turn_along(name: str) -> None:
    network, method = equivariant(), build_method(name)
    images = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    own = method(network, images, CLASSES)
    turned = dict(turned_maps(method, network, images, CLASSES))
    assert list(turned) == list(TURNS)
    for maps in turned.values():
        found = map_likeness(own.numpy(), maps.numpy())
        assert found["spearman"].min() > 0.999
        assert found["jaccard"].min() > 0.99


def test_maps_of_a_network_that_looks_at_one_corner_do_not() -> None:
    class Corner(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images[:, :, :16, :16].mean((1, 2, 3))[:, None] * torch.tensor([-1.0, 1.0])

    method, images = build_method("occlusion"), torch.ones(3, 3, 64, 64)
    own = method(Corner(), images, CLASSES)
    ((_, turned),) = turned_maps(method, Corner(), images, CLASSES, {"half": Turn(2)})
    assert map_likeness(own.numpy(), own.numpy())["jaccard"].tolist() == [1] * 3
    assert map_likeness(own.numpy(), turned.numpy())["jaccard"].max() < 0.1
