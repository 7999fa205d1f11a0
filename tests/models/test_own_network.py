"""A network of the user's own that fails is named, with the error of its own as the cause."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from attnmel.errors import ConfigError
from attnmel.models.own_network import OwnNetwork, own_network, register_network
from attnmel.models.weights.safetensors_io import load_state, save_state


class Failing(nn.Module):
    """Multiplies matrices of sizes that do not fit, as a head for another size of images does."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(7, 2)

    def forward(self, images: Tensor) -> Tensor:
        """Fail."""
        return self.head(images.flatten(1))


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attnmel.models.own_network._REGISTERED", {})


def test_a_network_that_fails_on_images_is_named_with_its_own_error() -> None:
    network = OwnNetwork("mine", Failing(), 2)
    with pytest.raises(ConfigError) as caught:
        network(torch.zeros(2, 3, 32, 32))
    assert str(caught.value) == (
        "the network 'mine' fails on images of shape (2, 3, 32, 32) (RuntimeError: mat1 and mat2 shapes cannot be "
        "multiplied (2x3072 and 7x2)); expected scores of the classes of any such images: correct its forward"
    )
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_function_that_fails_is_named_with_its_own_error() -> None:
    def mine(classes: int) -> nn.Module:
        raise KeyError(classes)

    with pytest.raises(ConfigError) as caught:
        own_network(register_network(mine), 2)
    assert str(caught.value) == "the network 'mine' cannot be built for 2 classes (KeyError: 2); correct its function"
    assert isinstance(caught.value.__cause__, KeyError)


def test_memory_that_runs_out_is_no_fault_of_the_network() -> None:
    class Large(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            raise torch.OutOfMemoryError("no memory")

    with pytest.raises(torch.OutOfMemoryError):
        OwnNetwork("mine", Large(), 2)(torch.zeros(1, 3, 32, 32))


class Scores(nn.Module):
    """Scores of the mean colours, passed on by a function."""

    def __init__(self, pass_on: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.head, self.pass_on = nn.Linear(3, 2), pass_on

    def forward(self, images: Tensor) -> Tensor:
        """Give what the function makes of the scores."""
        return self.pass_on(self.head(images.mean((2, 3))))


@pytest.mark.parametrize("pass_on", [Tensor.detach, lambda scores: scores.round().long()], ids=["detached", "whole"])
def test_scores_that_no_weight_can_learn_from_are_refused_in_training_alone(
    pass_on: Callable[[Tensor], Tensor],
) -> None:
    network, images = OwnNetwork("mine", Scores(pass_on), 2), torch.zeros(2, 3, 32, 32)
    with pytest.raises(ConfigError) as caught:
        network.train()(images)
    assert str(caught.value) == (
        "the network 'mine' returned scores without a gradient, so that none of its weights would learn; return what "
        "its layers compute, neither detached nor rounded to classes"
    )
    assert network.eval()(images).logits.shape == (2, 2)
    with torch.no_grad():
        assert network.train()(images).logits.shape == (2, 2)


class WithState(nn.Module):
    """Something else than tensors among its state."""

    def get_extra_state(self) -> dict[str, int]:
        """Give it."""
        return {"seen": 1}


def masked(*, stored: bool) -> nn.Module:
    """Make a module with infinite values that are not trained, as of a mask of attention."""
    module = nn.Linear(3, 2)
    module.register_buffer("mask", torch.tensor([0.0, -torch.inf]), persistent=stored)
    return module


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: nn.LazyLinear(2), "the network 'mine' has 'weight', which has no size yet, as of a lazy layer; give"),
        (WithState, "the network 'mine' has '_extra_state', which is a dict; a checkpoint holds tensors alone: leave"),
        (lambda: masked(stored=True), "the network 'mine' has 'mask', which is not finite, and a checkpoint with such"),
    ],
)
def test_a_state_that_no_checkpoint_can_hold_is_refused_before_training(
    build: Callable[[], nn.Module], message: str
) -> None:
    register_network(lambda classes: build(), "mine")
    with pytest.raises(ConfigError) as caught:
        own_network("mine", 2)
    assert str(caught.value).startswith(message)


def test_values_that_a_module_does_not_store_may_be_infinite() -> None:
    register_network(lambda classes: masked(stored=False), "mine")
    assert own_network("mine", 2).state_dict().keys() == {"module.weight", "module.bias"}


def test_tied_weights_are_stored_once_for_each_name(tmp_path: Path) -> None:
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    tied = nn.Sequential(first, second)
    save_state(tmp_path / "tied.safetensors", tied.state_dict(), {})
    tensors, _ = load_state(tmp_path / "tied.safetensors")
    assert tensors.keys() == tied.state_dict().keys()
    for name, tensor in tied.state_dict().items():
        assert torch.equal(tensors[name], tensor)
