"""A trunk frozen up to a pool keeps its layers as they are, and goes on from its maps as from the images."""

import copy

import pytest
import torch
from torch import nn

from attnmel.errors import ConfigError
from attnmel.models.classifiers import NETWORKS, build_network, needs_means_alone, trunk_of
from attnmel.models.trunks.registry import TRUNKS
from attnmel.models.trunks.trunk import Trunk, frozen_pool

POOLS = (1, 2, 3, 4, 5)
KEPT = {1: {1}, 2: {2}, 3: {3}, 4: {3, 4}, 5: {3, 4, 5}}


def images() -> torch.Tensor:
    return torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def trunk(name: str, pool: int = 0) -> Trunk:
    torch.manual_seed(0)
    built = TRUNKS[name](0.1)
    for layer in built.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean = torch.randn_like(layer.weight) / 4
            layer.running_var = torch.rand_like(layer.weight) + 0.5
    if pool:
        built.freeze(pool)
    return built


@pytest.mark.parametrize("name", TRUNKS)
def test_pool_k_ends_the_layers_of_stride_2_to_the_k(
    name: str,
) -> None:
    built = trunk(name).eval()
    sides, shown = [], images()
    with torch.no_grad():
        for layer in built.features:
            shown = layer(shown)
            sides.append(shown.shape[-1])
    # VGG-16 halves the side by a max-pooling, which ends its group; the light trunks by a block that begins one.
    pick = min if name.startswith("vgg16") else max
    assert built.ends == tuple(pick(place for place, side in enumerate(sides) if side == 64 >> k) for k in POOLS)


@pytest.mark.parametrize("name", TRUNKS)
@pytest.mark.parametrize("pool", POOLS)
def test_the_frozen_maps_lead_to_the_maps_of_the_images(name: str, pool: int) -> None:
    built = trunk(name, pool)
    for mode in (True, False):
        built.train(mode)
        with torch.no_grad():
            whole = built(images())
            kept = {number: one.clone() for number, one in built.frozen_maps(images()).items()}
            assert set(kept) == KEPT[pool]
            for again, expected in zip(built(kept), whole, strict=True):
                assert torch.equal(again, expected)


@pytest.mark.parametrize("name", TRUNKS)
@pytest.mark.parametrize("pool", POOLS)
def test_only_what_lies_above_the_pool_is_trained(name: str, pool: int) -> None:
    built = trunk(name, pool)
    before = copy.deepcopy(built.state_dict())
    built.train()
    trained = [weights for weights in built.parameters() if weights.requires_grad]
    if trained:
        optimizer = torch.optim.SGD(trained, lr=0.1, weight_decay=0.1)
        torch.stack([one.square().mean() for one in built(images())]).sum().backward()
        optimizer.step()
    end = built.ends[pool - 1]
    for tensor_name, tensor in built.state_dict().items():
        place = int(tensor_name.split(".")[1])
        if "num_batches" in tensor_name or place <= end:
            assert torch.equal(tensor, before[tensor_name]) == (place <= end), tensor_name
    moved = [key for key, value in built.named_parameters() if not torch.equal(value, before[key])]
    assert {int(key.split(".")[1]) > end for key in moved} == ({True} if trained else set())


def test_names_of_weights_are_those_of_a_trunk_that_is_not_frozen() -> None:
    assert list(trunk("vgg16_bn", 3).state_dict()) == list(trunk("vgg16_bn").state_dict())


def test_a_pool_that_the_trunk_lacks_is_refused() -> None:
    built = trunk("vgg16_bn")
    built.ends = built.ends[:4]
    with pytest.raises(ConfigError) as error:
        built.freeze(5)
    assert str(error.value) == (
        "training.freeze = 'pool5', but the trunk has pools 1 to 4; freeze up to one of them, or set "
        "training.freeze=none"
    )


def test_a_trunk_of_which_nothing_is_frozen_gives_no_frozen_maps() -> None:
    with pytest.raises(ConfigError, match="the trunk has no frozen layers; freeze it first"):
        trunk("vgg16").frozen_maps(images())


def test_names_of_pools_are_numbers() -> None:
    assert [frozen_pool(name) for name in ("none", "pool1", "pool5")] == [0, 1, 5]


@pytest.mark.parametrize("network", [name for name in NETWORKS if name != "harangi"])
def test_a_network_that_needs_means_alone_says_the_same_of_means(network: str) -> None:
    torch.manual_seed(0)
    built = build_network(network, width=0.1, classes=2).eval()
    trunk_of(built).freeze(5)
    with torch.no_grad():
        maps = trunk_of(built).frozen_maps(images())
        scores = built(images()).logits
        means = built({pool: one.mean((2, 3), keepdim=True) for pool, one in maps.items()}).logits
    assert needs_means_alone(built) == (network in ("vgg16-gap", "mel-cnn"))
    assert torch.allclose(scores, means, rtol=0, atol=1e-6) == needs_means_alone(built)
