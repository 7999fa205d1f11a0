"""What a run needs to go on survives the disk, momentum included."""

from pathlib import Path

import pytest
import torch
from tests.pipeline.run.training.test_history import row
from torch import nn

from attnmel.errors import CheckpointError
from attnmel.models.weights.safetensors_io import load_state, save_state
from attnmel.pipeline.run.training.training_state import (
    copied,
    load_training_state,
    training_tensors,
    write_training_state,
)


def trained(width: int = 4, kind: str = "sgd") -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width)).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - torch's stubs lack this overload
    optimizer = (
        torch.optim.AdamW(network.parameters(), lr=0.1)
        if kind == "adamw"
        else torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    )
    network(torch.rand(2, 3, 8, 8)).square().sum().backward()
    optimizer.step()
    return network, optimizer


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_weights_momentum_and_history_come_back_to_the_bit(tmp_path: Path, kind: str) -> None:
    network, optimizer = trained(kind=kind)
    history = (row(1, 1 / 3), row(2, 2 / 3))
    write_training_state(tmp_path / "s.safetensors", training_tensors(network, optimizer), history)
    fresh, fresh_optimizer = trained(kind=kind)
    with torch.no_grad():
        for parameter in fresh.parameters():
            parameter.zero_()
    found = load_training_state(tmp_path / "s.safetensors", fresh, fresh_optimizer)
    assert [str(one) for one in found] == [str(one) for one in history]
    for name, value in network.state_dict().items():
        assert torch.equal(fresh.state_dict()[name], value)
    for number, state in optimizer.state_dict()["state"].items():
        found_state = fresh_optimizer.state_dict()["state"][number]
        assert found_state.keys() == state.keys()
        assert all(torch.equal(found_state[name], value) for name, value in state.items())


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_a_copy_that_is_written_while_training_goes_on_keeps_the_state_of_its_epoch(kind: str) -> None:
    network, optimizer = trained(kind=kind)
    kept = copied(training_tensors(network, optimizer))
    before = {name: value.tolist() for name, value in training_tensors(network, optimizer).items()}
    network(torch.ones(2, 3, 8, 8)).square().sum().backward()
    optimizer.step()
    assert {name: value.tolist() for name, value in kept.items()} == before
    assert any(value.tolist() != before[name] for name, value in training_tensors(network, optimizer).items())


def test_a_training_state_of_another_network_is_refused_by_tensor(tmp_path: Path) -> None:
    write_training_state(tmp_path / "s.safetensors", training_tensors(*trained(4)), ())
    with pytest.raises(CheckpointError, match=r"tensor '0\.weight' is 4x3x3x3, expected 5x3x3x3"):
        load_training_state(tmp_path / "s.safetensors", *trained(5))


def changed_text(path: Path, text: str | None) -> None:
    """Write the file anew with another text of the history, or without any."""
    tensors, texts = load_state(path)
    del texts["history"]
    save_state(path, tensors, texts if text is None else {**texts, "history": text})


@pytest.mark.parametrize("text", [None, "[", "[1]", "[" * 100_000, '[{"epoch": "1"}]', '[{"epoch": "x", "loss": "1"}]'])
def test_a_damaged_history_is_one_sentence_and_changes_no_network(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "resume.safetensors"
    write_training_state(path, training_tensors(*trained()), (row(1, 0.5),))
    changed_text(path, text)
    network, optimizer = trained()
    with torch.no_grad():
        network[0].weight.zero_()  # pyright: ignore[reportIndexIssue] - a sequence
    with pytest.raises(CheckpointError, match=r"resume\.safetensors is damaged; delete the run's folder, and train "):
        load_training_state(path, network, optimizer)
    assert not network.state_dict()["0.weight"].any()


def test_a_changed_bit_of_the_momentum_is_found(tmp_path: Path) -> None:
    path = tmp_path / "resume.safetensors"
    write_training_state(path, training_tensors(*trained()), ())
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"resume\.safetensors is damaged, or another program changed it"):
        load_training_state(path, *trained())


def test_a_state_of_an_earlier_version_has_no_hash_and_is_loaded(tmp_path: Path) -> None:
    path, (network, optimizer) = tmp_path / "resume.safetensors", trained()
    write_training_state(path, training_tensors(network, optimizer), (row(1, 0.5),))
    tensors, texts = load_state(path)
    save_state(path, tensors, {"history": texts["history"]})
    assert [one.epoch for one in load_training_state(path, *trained())] == [1]
