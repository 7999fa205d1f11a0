"""The ONNX file that `attnmel export` writes: names of what goes in and out, and what is known of it. No torch.

The card and what was checked at the export lie in the file as texts. They are read here without a library for the
format and without reading the weights: an ONNX file is a protocol buffer, whose outermost fields can be stepped over.
https://protobuf.dev/programming-guides/encoding, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedIOBase, BytesIO
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter

from attnmel.deploy.packages import package
from attnmel.errors import CheckpointError
from attnmel.models.weights.card import CARD, Card, card_json, checked, read_card
from attnmel.models.weights.pickles import is_pickle
from attnmel.records import ATTENTION_MAPS

SQUARE = "square"
"""The one input: prepared squares as `prepared_image` gives them, uint8 [N, S, S, 3], RGB."""

PROBABILITIES = "probabilities"
"""Shares of the classes, float32 [N, K], calibrated where the card has a temperature."""

LOGITS = "logits"
"""Scores before temperature and softmax, float32 [N, K]."""

ATTENTION = tuple(f"attention_{name}" for name in ATTENTION_MAPS)
"""Maps in [0, 1], float32 [N, h, w]; outputs of a network with gates alone."""

EXPORT = f"{CARD}.export"
"""Key of the export's facts among the file's texts; the card lies under `CARD`."""

LARGEST_TEXT = 4 << 20
"""Bytes of texts that are read: a card takes a few thousand, and a file may come from anyone."""

_GRAPH, _METADATA = 7, 14
"""Numbers of fields of ONNX's ModelProto."""

_KEY, _VALUE = 1, 2
"""Numbers of the fields of its StringStringEntryProto."""

_VARINT, _LENGTH = 0, 2
"""Kinds of fields, as the lowest three bits before each one say."""

_SIZES = {1: 8, 5: 4}
"""Bytes of the other kinds."""

Precision = Literal["float32", "int8", "bf16"]


@dataclass(frozen=True, kw_only=True)
class Parity:
    """How far one engine, running the file, was from torch: from image file to probability and map."""

    engine: str
    """With its version."""
    images: int
    """Of the run's data set; 0 where that was not at hand."""
    phantoms: int
    """Large synthetic photographs, where preprocessing matters."""
    probability: float
    """Largest difference of a probability."""
    attention: float | None = None
    """Largest difference of a map's value; None for a network without gates."""
    auc: float | None = None
    """Largest difference of an AUC on the images; None without images of both kinds."""
    judged_auc: float | None = None
    """Largest difference from an AUC of the predictions that `attnmel evaluate` wrote of the same images; None where
    there are none of this epoch."""


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """A probability of this file above which an image is called positive, chosen on the validation images."""

    task: str
    """The class that is judged against the rest."""
    target: float
    """Sensitivity aimed at."""
    threshold: float
    sensitivity: float
    """Reached on the validation images, as the specificity."""
    specificity: float
    images: int
    positives: int


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One measure of a split, of the float32 network, with its 95 % interval."""

    split: str
    task: str
    measure: str
    value: float
    low: float
    high: float


BOUND = 0.02
"""AUC that a lower precision may cost, by the worse end of the interval: less than another seed of
the same recipe changes (a standard deviation of .03 to .05 on ISIC 2017, docs/results.md)."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a lower precision costs: its AUC minus that of float32 on the same images, with its 95 % interval."""

    precision: Precision
    engine: str
    split: str
    task: str
    images: int
    positives: int
    float32: float
    auc: float
    difference: float
    low: float
    high: float
    probability: float
    """Largest difference of a probability."""
    attention: float | None = None
    """Mean difference of a value of the attention maps; None for a network without gates."""

    @property
    def most(self) -> float:
        """AUC that may be lost: to the worse end of the interval, or the difference where it has no ends."""
        return -(self.difference if math.isnan(self.low) else self.low)

    @property
    def sentence(self) -> str:
        """The cost of the precision in words."""
        return (
            f"{self.task} has an AUC of {self.auc:.4f} on {self.images} images of the split "
            f"{self.split}, in float32 {self.float32:.4f}; the difference is {self.difference:+.4f} (95 % interval "
            f"{self.low:+.4f} to {self.high:+.4f})"
        )


@dataclass(frozen=True, kw_only=True)
class ExportFacts:
    """What was checked when the file was written, and what a user of its probabilities needs to know."""

    __pydantic_config__ = ConfigDict(ser_json_inf_nan="strings")

    precision: Precision
    """Of the weights and operations in the file."""
    versions: dict[str, str]
    """Of what wrote and checked it."""
    checked_on: str
    """In words: which images, and what could not be checked."""
    parity: tuple[Parity, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    measures: tuple[Measure, ...] = ()
    costs: tuple[Cost, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return _FACTS.dump_python(self)


_FACTS = TypeAdapter(ExportFacts)


def append_texts(path: Path, card: Card, facts: ExportFacts) -> None:
    """Add card and facts to an ONNX file at its end, which leaves the graph that was checked as it is, to the last bit.

    Of two protocol buffers one behind the other, a reader joins the lists: here that of the texts.

    Raises:
        ConfigError: onnx is not installed.
    """
    onnx = package("onnx")
    texts = onnx.ModelProto()
    onnx.helper.set_model_props(texts, {CARD: card_json(card).decode(), EXPORT: _FACTS.dump_json(facts).decode()})
    with path.open("ab") as file:
        file.write(texts.SerializeToString())


def read_onnx_card(path: Path) -> tuple[Card, ExportFacts]:
    """Read what is known of an exported model, without its weights.

    Raises:
        CheckpointError: no such file, a pickle, no whole ONNX file, one that `attnmel export` did not write, or a card
            that cannot be read.
    """
    texts = _texts(path)
    if missing := [key for key in (CARD, EXPORT) if key not in texts]:
        raise CheckpointError(
            f"{path} is an ONNX file without {' and '.join(missing)} among its texts, so its classes and preprocessing "
            "are not known; expected one that `attnmel export RUN --onnx` wrote"
        )
    return read_card(texts[CARD], path), checked(texts[EXPORT], _FACTS.validate_json, path)


class _NotOnnxError(Exception):
    """The bytes are no protocol buffer, or not a whole one."""


def _texts(path: Path) -> dict[str, str]:
    """Return the texts of an ONNX file by their keys; a key that stands twice counts as it stands last."""
    if not path.is_file():
        raise CheckpointError(f"no file {path}; expected one that `attnmel export RUN --onnx` wrote")
    try:
        with path.open("rb") as file:
            entries = [dict(_strings(entry)) for entry in _metadata(file, path.stat().st_size)]
        return {entry[_KEY].decode(): entry.get(_VALUE, b"").decode() for entry in entries}
    except (_NotOnnxError, KeyError, UnicodeDecodeError):
        kind = "a pickle, which could run code when it is read" if is_pickle(path) else "no whole ONNX file"
        raise CheckpointError(
            f"{path} is {kind}; expected one that `attnmel export RUN --onnx` wrote: copy it again from where it came, "
            "or export again"
        ) from None


def _metadata(file: BufferedIOBase, size: int) -> Iterator[bytes]:
    """Give the outermost fields that hold a text, stepping over all others."""
    read, found = 0, False
    while file.tell() < size:
        number, length = _field(file)
        if file.tell() + length > size:
            raise _NotOnnxError
        found = found or number == _GRAPH
        if number != _METADATA:
            file.seek(length, 1)
            continue
        read += length
        if read > LARGEST_TEXT:
            raise _NotOnnxError
        yield file.read(length)
    if not found:
        raise _NotOnnxError


def _strings(entry: bytes) -> Iterator[tuple[int, bytes]]:
    """Give the fields of one text: its key and its value."""
    file = BytesIO(entry)
    while file.tell() < len(entry):
        number, length = _field(file)
        text = file.read(length)
        if len(text) < length:
            raise _NotOnnxError
        yield number, text


def _field(file: BufferedIOBase) -> tuple[int, int]:
    """Read what stands before a field: its number, and how many bytes follow."""
    number, kind = divmod(_varint(file), 8)
    if kind == _VARINT:
        _varint(file)
        return number, 0
    if not number or kind not in (_LENGTH, *_SIZES):
        raise _NotOnnxError
    return number, _varint(file) if kind == _LENGTH else _SIZES[kind]


def _varint(file: BufferedIOBase) -> int:
    """Read a number of up to ten bytes, the lowest seven bits first."""
    value = 0
    for place in range(10):
        byte = file.read(1)
        if not byte:
            break
        value |= (byte[0] & 0x7F) << 7 * place
        if byte[0] < 0x80:
            return value
    raise _NotOnnxError
