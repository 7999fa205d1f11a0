"""Named tensors and texts in one safetensors file, which holds numbers and text only: reading one runs no code."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from attnmel.errors import CheckpointError
from attnmel.files.folders import replacing
from attnmel.files.write_problems import is_for_lack_of_right, reason_in_words
from attnmel.models.weights.pickles import is_pickle

SUFFIX = ".safetensors"


def save_state(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write named tensors of any device and memory layout, and named texts, into one file; replaces a former file."""
    # safetensors takes contiguous tensors only, and a network may lie channels-last; and none that share memory, as the
    # tied weights of a user's network do.
    plain: dict[str, Tensor] = {}
    places: set[int] = set()
    for name, tensor in tensors.items():
        one = tensor.detach().cpu().contiguous()
        place = one.untyped_storage().data_ptr()
        plain[name] = one.clone() if place in places else one
        places.add(place)
    with writing(path) as part:
        # safetensors makes files that their owner alone may read; others get the rights of any other file.
        part.touch()
        rights = part.stat().st_mode
        save_file(plain, part, metadata=dict(metadata))
        part.chmod(rights)


def load_state(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a file of `save_state`, onto the CPU.

    Raises:
        CheckpointError: no such file, a pickle, or a damaged file.
    """
    with _reading(path) as file:
        names = file.keys()
        # Cloned, for the tensors are views of the mapped file, which a running training may replace.
        return {name: file.get_tensor(name).clone() for name in names}, dict(file.metadata() or {})


def read_metadata(path: Path) -> dict[str, str]:
    """Read the texts alone."""
    with _reading(path) as file:
        return dict(file.metadata() or {})


@contextmanager
def _reading(path: Path) -> Iterator[safe_open]:
    if not path.is_file():
        raise CheckpointError(f"no file {path}")
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError) as error:
        if is_pickle(path):
            raise CheckpointError(
                f"{path} is a pickle (as torch.save writes), which could run code when it is read; expected a "
                ".safetensors file that attnmel wrote"
            ) from None
        if path.suffix.lower() != SUFFIX:
            raise CheckpointError(
                f"{path} is no checkpoint; expected a run folder, a {SUFFIX} file, or an ONNX file of `attnmel export`"
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


def tensors_hash(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of names, types, shapes and values, whatever their order, device and memory layout."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def check_tensor_hash(tensors: Mapping[str, Tensor], expected: str | None, path: Path) -> None:
    """Compare tensors with the hash that was stored with them; None in files of earlier versions.

    Raises:
        CheckpointError: they differ.
    """
    if expected is not None and tensors_hash(tensors) != expected:
        raise CheckpointError(
            f"{path} is damaged, or another program changed it: its weights are not those that were written "
            "(SHA-256). Copy it again from where it came, or train again."
        )


def check_finite(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Refuse weights that hold NaN or infinity.

    Raises:
        CheckpointError: gives their number.
    """
    if wrong := [name for name, tensor in tensors.items() if not tensor.isfinite().all()]:
        raise CheckpointError(
            f"{path}: {len(wrong)} of {len(tensors)} tensors hold values that are not finite (first: '{wrong[0]}'), so "
            "every answer would be NaN; copy the file again from where it came, or train again"
        )


def _shape(tensors: Mapping[str, Tensor], name: str) -> str:
    if name not in tensors:
        return "absent"
    return "x".join(map(str, tensors[name].shape)) or "one number"


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Give a temporary name whose file takes the place of `path` at the end.

    Raises:
        CheckpointError: the disk is full or cannot be written; the former file is kept.
    """
    try:
        with replacing(path, durable=True) as part:
            yield part
    except (OSError, SafetensorError) as error:
        remedy = "Get the right to write there" if is_for_lack_of_right(error) else "Free some space"
        raise CheckpointError(
            f"cannot write {path}: {reason_in_words(error, path)}. {remedy} or choose another folder; what was there "
            "before is kept, and a training goes on from there by --resume."
        ) from None
