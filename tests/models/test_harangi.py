"""The checks of the network after Harangi: several trunks before one softmax."""

import pytest
import torch

from attnmel.errors import ConfigError
from attnmel.models.classifiers import build_network
from attnmel.models.harangi import HarangiNetwork
from attnmel.models.trunks.trunk import Trunk

BRANCHES = ("efficientnet_lite0", "mobilenet_v2")
IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def network() -> HarangiNetwork:
    torch.manual_seed(0)
    built = build_network("harangi", width=0.1, classes=3, branches=BRANCHES).eval()
    assert isinstance(built, HarangiNetwork)
    return built


def test_scores_are_one_linear_layer_on_the_joined_means() -> None:
    built = network()
    features = [trunk(IMAGES).stride32.mean((2, 3)) for trunk in (built.trunk, *built.others)]
    expected = torch.cat(features, dim=1) @ built.head.weight.T + built.head.bias
    torch.testing.assert_close(built(IMAGES).logits, expected)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_with_the_other_branches_zeroed_it_is_the_single_network(place: int) -> None:
    built = network()
    trunks = [built.trunk, *(one for one in built.others if isinstance(one, Trunk))]
    sizes = [one.channels[2] for one in trunks]
    weights = [torch.zeros_like(one) for one in built.head.weight.data.split(sizes, dim=1)]
    weights[place] = built.head.weight.data.split(sizes, dim=1)[place].clone()
    built.head.weight.data = torch.cat(weights, dim=1)
    name, padding = [("vgg16_bn", "symmetric"), (BRANCHES[0], "tensorflow"), (BRANCHES[1], "symmetric")][place]
    single = build_network("vgg16-gap", trunk=name, padding=padding, width=0.1, classes=3).eval()
    single.get_submodule("trunk").load_state_dict(trunks[place].state_dict())
    single.get_submodule("head").load_state_dict({"weight": weights[place], "bias": built.head.bias.data})
    torch.testing.assert_close(built(IMAGES).logits, single(IMAGES).logits)


def test_all_trunks_are_trained_together() -> None:
    built = network().train()
    built(torch.rand(4, 3, 64, 64)).logits.square().sum().backward()
    trained = {name.rpartition(".features")[0] for name, one in built.named_parameters() if one.grad is not None}
    assert {"trunk", "others.0", "others.1"} <= trained


def test_an_unknown_branch_is_answered_with_the_known() -> None:
    with pytest.raises(ConfigError, match="unknown trunk 'alexnet'; known: efficientnet_lite0"):
        build_network("harangi", classes=2, branches=("alexnet",))
