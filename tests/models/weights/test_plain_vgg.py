"""Weights of a VGG-16 without batch-norm given to the trunk that has them: read in full, each to its convolution."""

import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tests.factories import save_checkpoint
from tests.models.weights.test_start_weights import (
    CARD,
    CLASSES,
    copied,
    network,
    published_tensors,
    start,
    write_published,
)

from attnmel.errors import CheckpointError


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.mark.parametrize("kind", ["pth", "safetensors"])
def test_a_vgg_without_batch_norm_fills_the_convolutions_of_one_with(kind: str, tmp_path: Path, home: Path) -> None:
    tensors = published_tensors("vgg16")
    path = tmp_path / "plain.safetensors"
    save_file(tensors, path)
    if kind == "pth":
        path = write_published(tmp_path, tensors, name="vgg16")
    built = network()
    before = copied(built)
    done = start(built, str(path), home)
    assert done.sentence.endswith("; gates and head start at random")
    assert (done.bare, done.rescalable) == (True, True)
    places = {0: 0, 3: 2, 7: 5, 10: 7, 14: 10, 17: 12, 20: 14, 24: 17, 27: 19, 30: 21, 34: 24, 37: 26, 40: 28}
    for name, tensor in built.state_dict().items():
        *folders, place, kind_of = name.split(".")
        moved = folders == ["trunk", "features"] and int(place) in places
        expected = tensors[f"features.{places[int(place)]}.{kind_of}"] if moved else before[name]
        assert torch.equal(tensor, expected), name


def test_a_vgg_without_batch_norm_must_be_whole_and_of_16_layers(tmp_path: Path, home: Path) -> None:
    whole = published_tensors("vgg16")
    less = {name: tensor for name, tensor in whole.items() if not name.startswith("features.28.")}
    with pytest.raises(
        CheckpointError, match=r"tensor 'trunk\.features\.40\.weight' is absent, expected 26x26x3x3 \(2 "
    ):
        start(network(), str(write_published(tmp_path, less)), home)
    # VGG-19 has a fourth convolution in its third group, where VGG-16 has a pooling.
    deeper = {**whole, "features.16.weight": torch.zeros(13, 13, 3, 3), "features.16.bias": torch.zeros(13)}
    with pytest.raises(CheckpointError, match=r"tensor 'features\.16\.weight' is 13x13x3x3, expected absent"):
        start(network(), str(write_published(tmp_path, deeper)), home)


def test_a_checkpoint_on_a_vgg_without_batch_norm_fills_one_with(tmp_path: Path, home: Path) -> None:
    plain = network(trunk="vgg16")
    save_checkpoint(tmp_path / "plain.safetensors", plain, dataclasses.replace(CARD, trunk="vgg16", classes=CLASSES))
    built = network()
    done = start(built, str(tmp_path / "plain.safetensors"), home)
    assert (done.bare, done.rescalable) == (True, False)
    assert torch.equal(built.get_parameter("trunk.features.40.weight"), plain.get_parameter("trunk.features.28.weight"))
    assert torch.equal(built.get_parameter("head.weight"), plain.get_parameter("head.weight"))
    assert torch.equal(built.get_parameter("gates.1.score.weight"), plain.get_parameter("gates.1.score.weight"))
    assert (built.get_parameter("trunk.features.41.weight") == 1).all()
