"""Checkpoints: one safetensors file of weights and their card, so that the two are never separated.

A safetensors file holds numbers and text only; reading one runs no code. The same card is also written as .json, for
people and other programs; that file is never read back.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from attnmel import __version__
from attnmel.errors import CheckpointError, ConfigError
from attnmel.files.folders import RunFolder
from attnmel.files.seeds import single_run
from attnmel.files.table_files import parsed_json
from attnmel.models.classifiers import build_network
from attnmel.models.own_network import own_network
from attnmel.models.weights.card import (
    CARD,
    CONTENT,
    FITTED,
    FUSED,
    AnyCard,
    Card,
    card_json,
    described,
    network_settings,
    read_card,
)
from attnmel.models.weights.operating_points import Threshold
from attnmel.models.weights.safetensors_io import (
    check_finite,
    check_tensor_hash,
    check_tensors,
    load_state,
    read_metadata,
    save_state,
    tensors_hash,
    writing,
)


def save_weights(path: Path, tensors: Mapping[str, Tensor], card: Card, more: Mapping[str, str] | None = None) -> None:
    """Write weights and card to `path` (.safetensors), and the card also as .json; replaces a former checkpoint.

    `more` are further texts of the metadata.
    """
    save_with_card(path, tensors, CARD, card_json(card), more)


def save_with_card(
    path: Path, tensors: Mapping[str, Tensor], key: str, text: bytes, more: Mapping[str, str] | None = None
) -> None:
    """Write as `save_weights`, with a card of any kind in JSON under its key; the card gets the hash of the tensors."""
    whole = json.dumps(json.loads(text) | {CONTENT: tensors_hash(tensors)}, indent=2, ensure_ascii=False)
    save_state(path, tensors, {**(more or {}), key: whole})
    with writing(path.with_suffix(".json")) as part:
        part.write_text(whole, encoding="utf-8")


def set_temperature(
    path: Path, temperature: float | None, thresholds: tuple[Threshold, ...] = (), why_not: str = ""
) -> None:
    """Write another temperature, with the operating points of its probabilities, into both cards of a checkpoint.

    `why_not` says why there is none, if that is known. The weights are unchanged to the last bit.
    """
    tensors, card = read_checkpoint(path)
    file = checkpoint_file(path)
    changed = dataclasses.replace(card, temperature=temperature, thresholds=thresholds, not_calibrated=why_not)
    save_weights(file, tensors, changed, read_metadata(file))


def load_checkpoint(path: Path) -> tuple[nn.Module, Card]:
    """Read a run folder's best checkpoint, or a checkpoint file; the network is in evaluation mode, on the CPU.

    Raises:
        CheckpointError: no such file, a pickle, a damaged file, no card, or tensors that are not the card's network's.
        ConfigError: a network that is not the package's, and is not registered.
    """
    tensors, card = read_checkpoint(path)
    require_network(card, path)
    network = _shell(card, path)
    check_tensors(tensors, network.state_dict(), f"{path}, by its card {described(card)}")
    network.load_state_dict(
        {name: tensors[name].to(own.dtype) for name, own in network.state_dict().items()}, assign=True
    )
    return network.eval(), card


def require_network(card: Card, path: Path) -> None:
    """Refuse the checkpoint of a fitted system or a fusion, which is no network.

    Raises:
        CheckpointError: names the commands that take it.
    """
    if card.network == FITTED:
        raise CheckpointError(
            f"{path} is a fitted system of features and SVMs, not a network; `predict`, `evaluate`, `compare` and "
            "`report` take it"
        )
    if card.network == FUSED:
        raise CheckpointError(
            f"{path} is a fusion of predictions, not a network; `predict`, `evaluate`, `compare` and `report` take it"
        )


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], Card]:
    """Read tensors and card of a run folder's best checkpoint or of a checkpoint file, without building the network.

    Raises:
        CheckpointError: no such file, a pickle, a damaged file, weights that are not finite, no card that can be read,
            or one with a value outside the limits of the settings.
    """
    return read_with_card(path, CARD, read_card, "attnmel train")


def checkpoint_card(path: Path) -> Card:
    """Read the card of a run folder's best checkpoint or of a checkpoint file, without the weights.

    Raises:
        CheckpointError: as `read_checkpoint`, but for the weights.
    """
    path = checkpoint_file(path)
    metadata = read_metadata(path)
    return read_card(_card_text(metadata, CARD, "attnmel train", path), path)


def read_with_card(
    path: Path, key: str, read: Callable[[str, Path], AnyCard], command: str
) -> tuple[dict[str, Tensor], AnyCard]:
    """Read tensors and card of a run folder's best checkpoint or of a file that a command wrote.

    `read` makes the card of its JSON and the file's path, which an error names.
    """
    path = checkpoint_file(path)
    tensors, metadata = load_state(path)
    text = _card_text(metadata, key, command, path)
    check_tensor_hash(tensors, _stored_hash(text), path)
    check_finite(tensors, path)
    return tensors, read(text, path)


def _stored_hash(text: str) -> str | None:
    """Return the hash in a card; None in one of an earlier version, or one that cannot be read."""
    try:
        return parsed_json(text).get(CONTENT)
    except (ValueError, AttributeError):
        return None


def _card_text(metadata: Mapping[str, str], key: str, command: str, path: Path) -> str:
    if key not in metadata:
        if others := sorted(one for one in metadata if one.startswith(CARD)):
            raise CheckpointError(
                f"{path} holds a card of {', '.join(others)}, not of {key}; expected a checkpoint that `{command}` "
                "wrote"
            )
        raise CheckpointError(
            f"{path} holds tensors but no card of {key}, so its network and preprocessing are not known; expected a "
            f"checkpoint that `{command}` wrote"
        )
    return metadata[key]


def checkpoint_file(path: Path) -> Path:
    """Return the checkpoint that a run folder or a file's path means.

    Raises:
        CheckpointError: there is none.
    """
    path = single_run(path)
    if path.is_dir():
        best = RunFolder(path).best
        if not best.is_file():
            raise CheckpointError(f"the folder {path} holds no {best.name}; a run writes it after its first epoch")
        return best
    if not path.is_file():
        raise CheckpointError(f"no checkpoint at {path}; expected a run folder or a .safetensors file")
    return path


def _shell(card: Card, path: Path) -> nn.Module:
    """Build the card's network without memory for its weights and without random numbers."""
    if card.own:
        with torch.random.fork_rng():  # its layers are built for good: what it computes for itself is in no checkpoint
            return own_network(card.own, len(card.classes))
    try:
        with torch.device("meta"):
            return build_network(card.network, classes=len(card.classes), **network_settings(card))
    except ConfigError as error:
        raise CheckpointError(
            f"the card in {path} names a network that this version of attnmel ({__version__}) cannot build: {error}"
        ) from None
