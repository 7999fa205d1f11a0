from pathlib import Path

import pytest
import torch

from attnmel.errors import CheckpointError
from attnmel.models.weights.safetensors_io import check_tensors, load_state, read_metadata, save_state


def test_check_tensors_says_both_shapes_and_what_to_do() -> None:
    found = {"a": torch.zeros(2, 3), "b": torch.zeros(())}
    check_tensors(found, found, "x")
    with pytest.raises(CheckpointError, match=r"^x: tensor 'b' is one number, expected 4 \(1 of 2 tensors differ\)"):
        check_tensors(found, {**found, "b": torch.zeros(4)}, "x")


def test_a_file_may_be_read_by_whom_any_other_file_may(tmp_path: Path) -> None:
    save_state(tmp_path / "state.safetensors", {"a": torch.zeros(2)}, {})
    (tmp_path / "other.txt").touch()
    assert (tmp_path / "state.safetensors").stat().st_mode == (tmp_path / "other.txt").stat().st_mode


def test_tensors_and_texts_come_back_and_texts_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    save_state(path, {"a": torch.arange(6.0).reshape(2, 3).T}, {"word": "text"})
    tensors, metadata = load_state(path)
    assert torch.equal(tensors["a"], torch.arange(6.0).reshape(2, 3).T)
    assert metadata == read_metadata(path) == {"word": "text"}


def test_texts_of_no_safetensors_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"text")
    with pytest.raises(CheckpointError, match="is not a whole safetensors file"):
        read_metadata(tmp_path / "a.safetensors")
    (tmp_path / "recipe.toml").write_bytes(b"text")
    with pytest.raises(CheckpointError, match=r"recipe\.toml is no checkpoint; expected a run folder, a \.safetensors"):
        read_metadata(tmp_path / "recipe.toml")
    with pytest.raises(CheckpointError, match="no file"):
        read_metadata(tmp_path / "none.safetensors")


def test_state_round_trip(tmp_path: Path) -> None:
    last = torch.rand(4, 3, 5, 5).to(memory_format=torch.channels_last)
    tensors = {"a": last, "b": torch.tensor(3), "c": torch.rand(6)[::2], "d": torch.rand(2, dtype=torch.float64)}
    save_state(tmp_path / "state.safetensors", tensors, {"history": "[1]"})
    found, metadata = load_state(tmp_path / "state.safetensors")
    assert metadata == {"history": "[1]"}
    assert set(found) == set(tensors)
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)


def test_a_file_that_begins_as_a_pickle_does_is_read(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    starts = set()
    # The file begins with the length of its header, whose lowest byte takes all multiples of 8 here.
    for padding in range(256):
        save_state(path, {"a": torch.tensor(padding)}, {"b": "x" * padding})
        starts.add(path.read_bytes()[0])
        assert load_state(path)[0]["a"].item() == padding
    assert 0x80 in starts
