from itertools import product
from typing import get_args

import pytest
import torch

from attnmel.config.settings import model as model_settings
from attnmel.errors import ConfigError
from attnmel.models.classifiers import NETWORKS, build_network
from attnmel.models.heads import Head
from attnmel.models.output import Output
from attnmel.models.trunks.registry import TRUNKS

PAIRS = [
    (network, trunk) for network, trunk in product(NETWORKS, TRUNKS) if network != "vgg16" or trunk.startswith("vgg")
]
"""VGG-16 has dense layers, which the light trunk has not."""


@pytest.mark.parametrize("attention", get_args(model_settings.Attention))
@pytest.mark.parametrize("width", [0.02, 0.1])
@pytest.mark.parametrize(("network", "trunk"), PAIRS)
def test_every_network_keeps_the_contract(network: str, trunk: str, width: float, attention: str) -> None:
    built = build_network(network, trunk=trunk, width=width, classes=3, attention=attention).eval()
    for side in (32, 96):
        output = built(torch.rand(2, 3, side, side))
        assert isinstance(output, Output)
        assert output.logits.shape == (2, 3)
        assert output.logits.isfinite().all()
        sides = (side // 8, side // 16) if network == "attnmel-cnn" else ()
        assert [tuple(map_.shape) for map_ in output.attention] == [(2, 1, s, s) for s in sides]
        assert all(map_.min() >= 0 and map_.max() <= 1 for map_ in output.attention)


@pytest.mark.parametrize("network", NETWORKS)
def test_every_weight_gets_a_gradient(network: str) -> None:
    torch.manual_seed(0)
    built = build_network(network, trunk="vgg16_bn", width=0.05, classes=2)
    output: Output = built(torch.rand(4, 3, 64, 64))
    torch.stack([one.square().sum() for one in (output.logits, output.masks) if one is not None]).sum().backward()
    without = [name for name, weight in built.named_parameters() if weight.grad is None or not weight.grad.any()]
    # A bias before a batch-norm is taken out by it, so its gradient may vanish.
    assert [name for name in without if not (name.startswith("trunk") and name.endswith("bias"))] == []


@pytest.mark.parametrize("network", NETWORKS)
def test_channels_last_gives_the_same(network: str) -> None:
    built = build_network(network, width=0.05, classes=2).eval()
    images = torch.rand(2, 3, 64, 64)
    expected = built(images).logits
    built.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - torch's overloads lack this one
    torch.testing.assert_close(built(images.to(memory_format=torch.channels_last)).logits, expected)


@pytest.mark.parametrize(
    ("network", "parameters"),
    [
        ("attnmel-cnn", 15_184_964),
        ("mel-cnn", 14_723_136 + 2 * 1280 + 2),
        ("vgg16-gap", 14_723_136 + 2 * 512 + 2),
        ("vgg16", 14_723_136 + (25088 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 2),
    ],
)
def test_parameter_count_at_full_width(network: str, parameters: int) -> None:
    with torch.device("meta"):
        built = build_network(network, classes=2)
    assert sum(parameter.numel() for parameter in built.parameters()) == parameters


def test_mel_cnn_is_a_linear_layer_on_three_means() -> None:
    built = build_network("mel-cnn", width=0.05, classes=2).eval()
    images = torch.rand(2, 3, 64, 64)
    pool3, pool4, pool5 = built.get_submodule("trunk")(images)
    means = torch.cat([maps.mean((2, 3)) for maps in (pool5, pool3, pool4)], dim=1)
    expected = means @ built.get_parameter("head.weight").T + built.get_parameter("head.bias")
    torch.testing.assert_close(built(images).logits, expected)


def test_scores_stay_float32_under_autocast() -> None:
    built = build_network("attnmel-cnn", width=0.05, classes=2)
    with torch.autocast("cpu", torch.bfloat16):
        output = built(torch.rand(4, 3, 64, 64))
        scores = Head(8, 2)(torch.rand(2, 8, dtype=torch.bfloat16))
    assert output.logits.dtype == scores.dtype == torch.float32
    assert all(map_.dtype == torch.float32 for map_ in output.attention)
    # Scores that had passed through bf16 would come back from it unchanged.
    assert not torch.equal(scores, scores.bfloat16().float())


def test_head_starts_small() -> None:
    torch.manual_seed(0)
    head = Head(1280, 7)
    assert head.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert not head.bias.any()


def test_the_same_seed_builds_the_same_network() -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(7)
        states.append(build_network("attnmel-cnn", width=0.05, classes=2).state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_networks_trunks_paddings_and_kinds_of_attention_are_those_of_the_settings() -> None:
    assert {*NETWORKS, model_settings.OWN} == set(get_args(model_settings.Network))
    assert set(TRUNKS) == set(get_args(model_settings.Trunk))


@pytest.mark.parametrize("trunk", ["mobilenet_v2", "efficientnet_lite0"])
def test_dense_layers_on_a_light_trunk_are_refused(trunk: str) -> None:
    with pytest.raises(ConfigError, match=r"'vgg16' is VGG-16 with its dense layers, which no other trunk has; choose"):
        build_network("vgg16", trunk=trunk, classes=2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"network": "resnet"},
            "unknown network 'resnet'; known: attnmel-cnn, chen, dermaknet, harangi, mel-cnn, own, vgg16, vgg16-gap",
        ),
        (
            {"trunk": "vgg19"},
            r"unknown trunk 'vgg19' \(did you mean 'vgg16'\?\); known: efficientnet_lite0, efficientnet_lite1, "
            "efficientnet_lite2, mobilenet_v2, vgg16, vgg16_bn",
        ),
        ({"padding": "same"}, "unknown padding 'same'; known: symmetric, tensorflow"),
        ({"attention": "hard"}, "unknown attention 'hard'; known: sigmoid, softmax"),
        ({"width": 0.0}, "width is 0.0; expected above 0 and at most 1"),
        ({"width": 1.5}, "width is 1.5"),
        ({"classes": 1}, "1 classes; expected at least 2"),
    ],
)
def test_unknown_settings_are_answered_with_the_known(change: dict[str, object], message: str) -> None:
    settings: dict[str, object] = {"network": "mel-cnn", "classes": 2, **change}
    with pytest.raises(ConfigError, match=message):
        build_network(**settings)  # pyright: ignore[reportArgumentType] - each case changes one of several types
