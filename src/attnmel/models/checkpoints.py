"""Weights on disk: one safetensors file that also holds a card, so that weights and what they are never part.

A safetensors file holds numbers and text only; reading one runs no code. The same card lies beside it as .json for
people and other programs; it is never read back.
"""

import dataclasses
import reprlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import torch
from pydantic import AfterValidator, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from attnmel import NOTICE, __version__
from attnmel.errors import CheckpointError, ConfigError, listed
from attnmel.folders import RunFolder, replacing
from attnmel.limits import Classes, Crop, Means, Positives, Side, Size, Spreads, Temperature, Width, check_names
from attnmel.models.classifiers import build_network

CARD = "attnmel"
"""Key of the card among a checkpoint's metadata."""

# First bytes of what torch.save writes, today's zip and the older plain pickle.
PICKLE_STARTS = (b"PK\x03\x04", b"\x80")


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
    with _writing(path.with_suffix(".json")) as part:
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
    _check_finite(tensors, path)
    try:
        return tensors, read(metadata[key])
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


def save_state(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write named tensors of any device and memory layout, and named texts, into one file; replaces what was there.

    Raises:
        CheckpointError: the disk is full or cannot be written; what was there before is kept.
    """
    # safetensors takes contiguous tensors only, and a network may lie channels-last.
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with _writing(path) as part:
        # safetensors makes files that their owner alone may read; others get the rights of any other file.
        part.touch()
        rights = part.stat().st_mode
        save_file(plain, part, metadata=dict(metadata))
        part.chmod(rights)


def load_state(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read what `save_state` wrote, onto the CPU.

    Raises:
        CheckpointError: no such file, a pickle, or a damaged file.
    """
    if not path.is_file():
        raise CheckpointError(f"no file {path}")
    try:
        with safe_open(path, framework="pt") as file:
            names = file.keys()
            # Cloned, for the tensors are views of the mapped file, which a running training may replace.
            return {name: file.get_tensor(name).clone() for name in names}, dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        if _is_pickle(path):
            raise CheckpointError(
                f"{path} is a pickle (as torch.save writes), which could run code when it is read; expected a "
                ".safetensors file that attnmel wrote"
            ) from None
        raise CheckpointError(
            f"{path} is not a whole safetensors file ({error}). Copy it again from where it came, or train again."
        ) from None


def check_tensors(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], source: str) -> None:
    """Compare names and shapes with those of a network.

    Raises:
        CheckpointError: names the first differing tensor with both shapes, and how many differ.
    """
    names = [*expected, *(name for name in found if name not in expected)]
    wrong = [name for name in names if _shape(found, name) != _shape(expected, name)]
    if wrong:
        raise CheckpointError(
            f"{source}: tensor '{wrong[0]}' is {_shape(found, wrong[0])}, expected {_shape(expected, wrong[0])} "
            f"({len(wrong)} of {len(names)} tensors differ). The weights are of another architecture or other classes; "
            "use those of this network, or change model.network, model.trunk, model.width and data.classes to theirs."
        )


def _check_finite(tensors: Mapping[str, Tensor], path: Path) -> None:
    if wrong := [name for name, tensor in tensors.items() if not tensor.isfinite().all()]:
        raise CheckpointError(
            f"{path}: {len(wrong)} of {len(tensors)} tensors hold values that are not finite (first: '{wrong[0]}'), so "
            "every answer would be NaN; copy the file again from where it came, or train again"
        )


def described(card: Card) -> str:
    """Return in words which network a card is of."""
    return f"{card.network} on {card.trunk}, width {card.width:g}, for {', '.join(card.classes)}"


def _shape(tensors: Mapping[str, Tensor], name: str) -> str:
    if name not in tensors:
        return "absent"
    return "x".join(map(str, tensors[name].shape)) or "one number"


def _shell(card: Card, path: Path) -> nn.Module:
    """Build the card's network without memory for its weights and without drawing chance."""
    try:
        with torch.device("meta"):
            return build_network(
                card.network,
                trunk=card.trunk,
                width=card.width,
                classes=len(card.classes),
                attention=card.attention,
            )
    except ConfigError as error:
        raise CheckpointError(
            f"the card in {path} names a network that this version of attnmel ({__version__}) cannot build: {error}"
        ) from None


def _is_pickle(path: Path) -> bool:
    """Tell why a file could not be read; a whole safetensors file may begin with the same bytes."""
    with path.open("rb") as file:
        return file.read(4).startswith(PICKLE_STARTS)


@contextmanager
def _writing(path: Path) -> Iterator[Path]:
    try:
        with replacing(path) as part:
            yield part
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"cannot write {path}: {error}. Free some space or choose another folder; what was there before is kept."
        ) from None
