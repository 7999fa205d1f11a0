"""Weights on disk: one safetensors file that also holds a card, so that weights and what they are never part.

A safetensors file holds numbers and text only; reading one runs no code. The same card lies beside it as .json for
people and other programs; it is never read back.
"""

import dataclasses
import reprlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import torch
from pydantic import AfterValidator, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from torch import Tensor, nn

from attnmel import NOTICE, __version__
from attnmel.errors import CheckpointError, ConfigError, listed
from attnmel.folders import RunFolder
from attnmel.limits import Classes, Crop, Means, Positives, Side, Size, Spreads, Temperature, Width, check_names
from attnmel.models.classifiers import build_network
from attnmel.models.states import check_finite, check_tensors, load_state, save_state, writing

CARD = "attnmel"
"""Key of the card among a checkpoint's metadata."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """All that is needed to use a network's weights, and what is known of them.

    One that is read is held to the limits of a recipe's settings, for it may come from anyone.
    """

    # A measure that is not defined (NaN) is written as text, for JSON has no such number.
    __pydantic_config__ = ConfigDict(ser_json_inf_nan="strings")

    network: str
    trunk: str
    width: Width
    attention: str
    padding: str = "symmetric"
    classes: Classes
    """Names, in the order of the network's scores."""
    positives: Positives
    """Classes judged against all others; the first is the main task."""
    size: Size
    """Side of the network's input in pixels."""
    side: Side
    """Side of the prepared square that the input is cut from, in pixels."""
    crop: Crop
    """Side of the central square as a share of the image's shorter side."""
    mean: Means
    """Normalisation of RGB in [0, 1]."""
    std: Spreads
    epoch: int
    measures: dict[str, float]
    """Of the validation split, at this epoch."""
    recipe: str
    data: dict[str, Any]
    """Fingerprint of the data set it was trained on."""
    licence: str
    """Of that data set."""
    seed: int
    temperature: Temperature | None = None
    """Divides the scores before the softmax, so that probabilities are calibrated; None where none was fitted."""
    notice: str = NOTICE
    version: str = __version__


def _consistent(card: Card) -> Card:
    check_names(card.classes, positives=card.positives)
    if card.size > card.side:
        raise ValueError(f"size = {card.size} is more than side = {card.side}, which it is cut from")
    return card


AnyCard = TypeVar("AnyCard")

_CARD = TypeAdapter(Annotated[Card, AfterValidator(_consistent)])


def save_checkpoint(path: Path, network: nn.Module, card: Card) -> None:
    """Write weights and card to `path` (.safetensors), and the card beside it (.json); replaces what was there.

    Raises:
        CheckpointError: the disk is full or cannot be written; what was there before is kept.
    """
    _save(path, network.state_dict(), card)


def _save(path: Path, tensors: Mapping[str, Tensor], card: Card) -> None:
    save_with_card(path, tensors, CARD, _CARD.dump_json(card, indent=2))


def save_with_card(path: Path, tensors: Mapping[str, Tensor], key: str, text: bytes) -> None:
    """Write tensors with a card in JSON under a key of the metadata, and the card beside; replaces what was there.

    Raises:
        CheckpointError: the disk is full or cannot be written; what was there before is kept.
    """
    save_state(path, tensors, {key: text.decode()})
    with writing(path.with_suffix(".json")) as part:
        part.write_bytes(text)


def set_temperature(path: Path, temperature: float | None) -> None:
    """Write another temperature into the card of a checkpoint, inside and beside; the weights stay to the last bit.

    Raises:
        CheckpointError: as `read_checkpoint` and `save_checkpoint`.
    """
    tensors, card = read_checkpoint(path)
    _save(checkpoint_file(path), tensors, dataclasses.replace(card, temperature=temperature))


def load_checkpoint(path: Path) -> tuple[nn.Module, Card]:
    """Read a run folder's best checkpoint, or a checkpoint file; the network is in evaluation mode, on the CPU.

    Raises:
        CheckpointError: no such file, a pickle, a damaged file, no card, or tensors that are not the card's network's.
    """
    tensors, card = read_checkpoint(path)
    network = _shell(card, path)
    check_tensors(tensors, network.state_dict(), f"{path}, by its card {described(card)}")
    network.load_state_dict(
        {name: tensors[name].to(own.dtype) for name, own in network.state_dict().items()}, assign=True
    )
    return network.eval(), card


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], Card]:
    """Read tensors and card of a run folder's best checkpoint or of a checkpoint file, without building the network.

    Raises:
        CheckpointError: no such file, a pickle, a damaged file, weights that are not finite, no card that can be read,
            or one with a value outside the limits of the settings.
    """
    return read_with_card(path, CARD, _CARD.validate_json, "attnmel train")


def read_with_card(
    path: Path, key: str, read: Callable[[str], AnyCard], command: str
) -> tuple[dict[str, Tensor], AnyCard]:
    """Read tensors and card of a run folder's best checkpoint or of a file that a command wrote.

    `read` makes the card of its JSON, and raises pydantic's ValidationError where it is none.

    Raises:
        CheckpointError: as `read_checkpoint`.
    """
    path = checkpoint_file(path)
    tensors, metadata = load_state(path)
    if key not in metadata:
        raise CheckpointError(
            f"{path} holds {len(tensors)} tensors but no card of {key}, so its network and preprocessing are not "
            f"known; expected a checkpoint that `{command}` wrote"
        )
    check_finite(tensors, path)
    return tensors, _card_of(metadata, key, read, path)


def read_card(metadata: Mapping[str, str], path: Path) -> Card:
    """Read the card among the texts of a checkpoint.

    Raises:
        CheckpointError: it cannot be read, or holds a value outside the limits of the settings.
    """
    return _card_of(metadata, CARD, _CARD.validate_json, path)


def _card_of(metadata: Mapping[str, str], key: str, read: Callable[[str], AnyCard], path: Path) -> AnyCard:
    try:
        return read(metadata[key])
    except ValidationError as error:
        raise CheckpointError(
            f"the card in {path} cannot be read ({listed(map(_problem, error.errors()))}). It was written by another "
            f"version of attnmel (this is {__version__}) or changed by hand; get the checkpoint from where it was "
            "trained."
        ) from None


def _problem(error: ErrorDetails) -> str:
    """Say field and value; a value of unknown origin may be long."""
    field = ".".join(map(str, error["loc"]))
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] in ("missing", "value_error") or not field:
        return f"{field}: {message}" if field else message
    return f"{field} = {reprlib.repr(error['input'])}: {message}"


def checkpoint_file(path: Path) -> Path:
    """Return the checkpoint that a run folder or a file's path means.

    Raises:
        CheckpointError: there is none.
    """
    if path.is_dir():
        best = RunFolder(path).best
        if not best.is_file():
            raise CheckpointError(f"the folder {path} holds no {best.name}; a run writes it after its first epoch")
        return best
    if not path.is_file():
        raise CheckpointError(f"no checkpoint at {path}; expected a run folder or a .safetensors file")
    return path


def described(card: Card) -> str:
    """Return in words which network a card is of."""
    padding = "" if card.padding == "symmetric" else f", {card.padding} padding"
    return f"{card.network} on {card.trunk}, width {card.width:g}{padding}, for {', '.join(card.classes)}"


def _shell(card: Card, path: Path) -> nn.Module:
    """Build the card's network without memory for its weights and without drawing chance."""
    try:
        with torch.device("meta"):
            return build_network(
                card.network,
                trunk=card.trunk,
                width=card.width,
                padding=card.padding,
                classes=len(card.classes),
                attention=card.attention,
            )
    except ConfigError as error:
        raise CheckpointError(
            f"the card in {path} names a network that this version of attnmel ({__version__}) cannot build: {error}"
        ) from None
