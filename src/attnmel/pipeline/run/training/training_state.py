"""The training state after an epoch, in one file, from which a run continues as if it had never stopped."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from attnmel import NOTICE
from attnmel.errors import CheckpointError
from attnmel.files.table_files import damage, parsed_json
from attnmel.models.weights.card import CONTENT
from attnmel.models.weights.safetensors_io import check_tensor_hash, check_tensors, load_state, save_state, tensors_hash
from attnmel.pipeline.run.training.history import HistoryRow, Row, SegmenterRow, read_row

NETWORK, OPTIMIZER = "network.", "optimizer."


def training_tensors(network: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return weights and momentum by name, on the device where they are."""
    tensors: dict[str, Tensor] = {NETWORK + name: value for name, value in network.state_dict().items()}
    for number, state in optimizer.state_dict()["state"].items():
        tensors |= {f"{OPTIMIZER}{number}.{name}": value for name, value in state.items() if value is not None}
    return tensors


def copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return copies on the CPU, which no later step changes.

    Also of those that are on the CPU already: AdamW counts its steps there, in place, wherever the weights are.
    """
    return {name: value.to("cpu", copy=True) for name, value in tensors.items()}


def weights_of(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights among the tensors of a training state, by the network's names."""
    return {name.removeprefix(NETWORK): value for name, value in tensors.items() if name.startswith(NETWORK)}


def write_training_state(
    path: Path, tensors: Mapping[str, Tensor], history: Sequence[HistoryRow | SegmenterRow]
) -> None:
    """Write the tensors of a training state and the history; generators need no state, they are seeded by epoch.

    Raises:
        CheckpointError: the disk is full or cannot be written; the former file is kept.
    """
    rows = [{name: repr(value) for name, value in dataclasses.asdict(row).items()} for row in history]
    save_state(path, tensors, {"history": json.dumps(rows), "notice": NOTICE, CONTENT: tensors_hash(tensors)})


def load_training_state(
    path: Path, network: nn.Module, optimizer: torch.optim.Optimizer, kind: type[Row] = HistoryRow
) -> tuple[Row, ...]:
    """Load weights and momentum into network and optimiser, and return the history so far, rows of `kind`.

    Nothing is changed unless the whole file can be used; those of earlier versions hold no hash.

    Raises:
        CheckpointError: the file is damaged or belongs to another network.
    """
    tensors, metadata = load_state(path)
    check_tensor_hash(tensors, metadata.get(CONTENT), path)
    weights = weights_of(tensors)
    check_tensors(weights, network.state_dict(), str(path))
    with damage(path, CheckpointError, "delete the run's folder, and train again"):
        history = tuple(read_row(kind, row) for row in parsed_json(metadata["history"]))
        momentum = _momentum(tensors)
    network.load_state_dict(weights)
    optimizer.load_state_dict({"state": momentum, "param_groups": optimizer.state_dict()["param_groups"]})
    return history


def _momentum(tensors: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith(OPTIMIZER):
            number, key = name.removeprefix(OPTIMIZER).split(".", 1)
            state.setdefault(int(number), {})[key] = value
    return state
