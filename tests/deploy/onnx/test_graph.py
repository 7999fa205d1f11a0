"""The graph of a network gives what torch gives, in each engine, for every network and trunk."""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.factories import CARD as NARROW
from tests.kept_graphs import kept_graph

from attnmel.data.preprocess.images import central_crop, normalised
from attnmel.deploy.engines import onnxruntime_outputs
from attnmel.deploy.onnx.graph import onnx_graph
from attnmel.deploy.onnx.texts import ATTENTION, LOGITS, PROBABILITIES
from attnmel.deploy.openvino import OnnxNetwork
from attnmel.errors import ConfigError
from attnmel.models.classifiers import NETWORKS, build_network
from attnmel.models.trunks import mobilenet, vgg
from attnmel.models.trunks.registry import TRUNKS
from attnmel.models.weights.card import Card

CARD = dataclasses.replace(
    NARROW, classes=("a", "b", "c"), positives=("a",), mean=(0.7, 0.5, 0.4), std=(0.1, 0.2, 0.3), temperature=1.7
)

QUICK = {(name, "vgg16_bn") for name in NETWORKS if name != "dermaknet"}
"""One trunk for every network. dermaknet, and mobilenet_v2 for depthwise convolutions, have tests of their own below;
the shipped file of efficientnet_lite0 is compared with its checkpoint in `tests/pretrained/test_shipped.py`."""

WHOLE = {("attnmel-cnn", "vgg16_bn")}
"""Of the quick ones, with all layers of the trunk; an export takes as long as there are layers."""

PAIRS = [
    pytest.param(name, trunk, marks=() if (name, trunk) in QUICK else pytest.mark.slow)
    for name in NETWORKS
    for trunk in TRUNKS
    if name != "vgg16" or trunk.startswith("vgg")
]


def network_of(card: Card) -> torch.nn.Module:
    """Build a network with a random start, running statistics of some images and scores that differ."""
    torch.manual_seed(0)
    network = build_network(
        card.network,
        trunk=card.trunk,
        width=card.width,
        padding=card.padding,
        classes=len(card.classes),
        attention=card.attention,
        grid=card.grid,
    )
    network(torch.randn(4, 3, card.size, card.size))
    torch.nn.init.normal_(network.get_parameter("head.weight"), std=1.0)
    if card.grid == "ellipse":
        for name in ("polar.weight", "asymmetry.weight"):  # they start at 0
            torch.nn.init.normal_(network.get_parameter(name), std=1.0)
    return network.eval()


def shorten_trunks(patch: pytest.MonkeyPatch) -> None:
    """Build trunks with fewer layers: one convolution in each group of VGG-16, at most two blocks in each stage."""
    patch.setattr(vgg, "VGG16_GROUPS", tuple(group[:1] for group in vgg.VGG16_GROUPS))
    patch.setattr(mobilenet, "STAGES", tuple(one._replace(blocks=min(one.blocks, 2)) for one in mobilenet.STAGES))


def squares(card: Card, images: int) -> np.ndarray:
    return np.random.default_rng(images).integers(0, 256, (images, card.side, card.side, 3), dtype=np.uint8)


def openvino_outputs(path: Path) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Return what gives a file's outputs for squares, by name, as `onnxruntime_outputs` has it."""
    network = OnnxNetwork(path, precision="float32", threads=1).compiled(many=False)

    def outputs_of(given: np.ndarray) -> dict[str, np.ndarray]:
        found = [network.run(square) for square in given]
        return {name: np.stack([one[name] for one in found]) for name in found[0]}

    return outputs_of


def check(card: Card, path: Path) -> None:
    """Compare each engine with torch on one square and on three."""
    network = network_of(card)
    path.write_bytes(kept_graph(network, card).SerializeToString())
    for outputs_of in (onnxruntime_outputs(path, threads=1), openvino_outputs(path)):
        for images in (1, 3):
            given = squares(card, images)
            pixels = [normalised(one, card.mean, card.std) for one in central_crop(given, card.size)]
            with torch.inference_mode():
                expected = network(torch.from_numpy(np.stack(pixels)))
            found = outputs_of(given)
            shares = (expected.logits / (card.temperature or 1)).softmax(dim=1)
            np.testing.assert_allclose(found[LOGITS], expected.logits.numpy(), atol=1e-4)
            np.testing.assert_allclose(found[PROBABILITIES], shares.numpy(), atol=1e-5)
            assert len(found) == 2 + len(expected.attention)
            for name, other in zip(ATTENTION, expected.attention, strict=False):
                np.testing.assert_allclose(found[name], other[:, 0].numpy(), atol=1e-5)


@pytest.mark.parametrize(("network", "trunk"), PAIRS)
def test_every_network_on_every_trunk_answers_as_by_torch(
    network: str, trunk: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if (network, trunk) in QUICK - WHOLE:
        shorten_trunks(monkeypatch)
    check(dataclasses.replace(CARD, network=network, trunk=trunk), tmp_path / "model.onnx")


def test_softmax_attention_other_padding_and_no_temperature_answer_as_by_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten_trunks(monkeypatch)
    card = dataclasses.replace(
        CARD, trunk="mobilenet_v2", attention="softmax", padding="tensorflow", temperature=None, side=96
    )
    check(card, tmp_path / "model.onnx")


def test_a_polar_grid_that_follows_the_lesion_is_part_of_the_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten_trunks(monkeypatch)
    card = dataclasses.replace(CARD, network="dermaknet", grid="ellipse", side=96, size=96)
    images = torch.from_numpy(np.stack([normalised(one, card.mean, card.std) for one in squares(card, 3)]))
    with torch.inference_mode():
        found = network_of(card)(images)
    assert not found.without_lesion.all(), "the ellipse plays a part"
    check(card, tmp_path / "model.onnx")


def test_the_graph_names_no_folder_of_this_machine() -> None:
    written = kept_graph(network_of(CARD), CARD).SerializeToString()
    assert b"site-packages" not in written
    assert b".py" not in written


def test_a_missing_package_is_answered_with_the_line_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ConfigError, match=r"needs the package onnxscript, .*; type: pip install 'attnmel\[export\]'"):
        onnx_graph(network_of(CARD), CARD)
