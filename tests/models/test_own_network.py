"""A network of the user's own that fails is named, with the error of its own as the cause."""

import pytest
import torch
from torch import Tensor, nn

from attnmel.errors import ConfigError
from attnmel.models.own_network import OwnNetwork, own_network, register_network


class Failing(nn.Module):
    """Multiplies matrices of sizes that do not fit, as a head for another size of images does."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(7, 2)

    def forward(self, images: Tensor) -> Tensor:
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
