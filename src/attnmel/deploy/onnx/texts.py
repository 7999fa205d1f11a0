"""The texts of an ONNX file, and the names of its inputs and outputs. No torch, no pydantic.

The file contains the card and the facts of the export as texts. They are read here without a library for the format
and without the weights: an ONNX file is a protocol buffer, whose outermost fields can be skipped. (OpenVINO can read
the texts, too, but of a damaged file it prints lines of its own to standard error before it refuses it.)
https://protobuf.dev/programming-guides/encoding, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

import shlex
from collections.abc import Iterator
from io import BufferedIOBase, BytesIO
from pathlib import Path

from attnmel.deploy.onnx.protobuf import NotProtobufError, read_field
from attnmel.errors import CheckpointError
from attnmel.files.folders import RunFolder
from attnmel.models.weights.pickles import is_pickle
from attnmel.records import ATTENTION_MAPS

SQUARE = "square"
"""The only input: prepared squares of `prepared_image`, uint8 [N, S, S, 3], RGB."""

PROBABILITIES = "probabilities"
"""Probabilities of the classes, float32 [N, K], calibrated if the card has a temperature."""

LOGITS = "logits"
"""Scores before temperature and softmax, float32 [N, K]."""

ATTENTION = tuple(f"attention_{name}" for name in ATTENTION_MAPS)
"""Maps in [0, 1], float32 [N, h, w]; only of a network with gates."""

BOUND = 0.02
"""Largest accepted loss of AUC by a lower precision, by the lower end of the interval: less than the change by another
seed of the same recipe (a standard deviation of .03 to .05 on ISIC 2017, docs/results/results.md)."""

CONTENT = "attnmel.content"
"""Key of the hash of the bytes before the texts."""

USE = "attnmel.use"
"""Key of a sentence for programs that run the file without this package."""

LARGEST_TEXT = 4 << 20
"""Largest size of the texts in bytes: a card has a few thousand, and a file may come from anyone."""

GRAPH, METADATA = 7, 14
"""Numbers of fields of ONNX's ModelProto."""

KEY, VALUE = 1, 2
"""Numbers of the fields of its StringStringEntryProto."""


def read_texts(path: Path) -> dict[str, str]:
    """Return the texts of an ONNX file by their keys; of a repeated key the last text counts.

    Raises:
        CheckpointError: no such file, a folder, a pickle, or an incomplete ONNX file.
    """
    if path.is_dir():
        exported, is_run = RunFolder(path).onnx, RunFolder(path).recipe.is_file()
        write = f"write one by `attnmel export {shlex.quote(str(path)) if is_run else 'RUN'} --onnx`"
        way_out = f"name {exported}" if exported.is_file() else write
        raise CheckpointError(f"{path} is a folder; expected an exported ONNX file: {way_out}")
    if not path.is_file():
        raise CheckpointError(f"no file {path}; expected one that `attnmel export RUN --onnx` wrote")
    try:
        with path.open("rb") as file:
            entries = [dict(strings(entry)) for entry in _metadata(file, path.stat().st_size)]
        return {entry[KEY].decode(): entry.get(VALUE, b"").decode() for entry in entries}
    except (NotProtobufError, KeyError, UnicodeDecodeError):
        kind = "a pickle, which could run code when it is read" if is_pickle(path) else "no complete ONNX file"
        raise CheckpointError(
            f"{path} is {kind}; expected one that `attnmel export RUN --onnx` wrote: copy the file again, or export "
            "again"
        ) from None


def _metadata(file: BufferedIOBase, size: int) -> Iterator[bytes]:
    """Yield the outermost fields that contain a text, and skip all others."""
    read, found = 0, False
    while file.tell() < size:
        number, length = read_field(file)
        if file.tell() + length > size:
            raise NotProtobufError
        found = found or number == GRAPH
        if number != METADATA:
            file.seek(length, 1)
            continue
        read += length
        if read > LARGEST_TEXT:
            raise NotProtobufError
        yield file.read(length)
    if not found:
        raise NotProtobufError


def strings(entry: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the fields of one text: its key and its value."""
    file = BytesIO(entry)
    while file.tell() < len(entry):
        number, length = read_field(file)
        text = file.read(length)
        if len(text) < length:
            raise NotProtobufError
        yield number, text
