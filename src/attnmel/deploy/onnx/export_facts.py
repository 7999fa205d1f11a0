"""The ONNX file that `attnmel export` writes: the card inside, and the facts of its export. No torch."""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter

from attnmel.deploy.onnx.content import check_content, content_hash
from attnmel.deploy.onnx.protobuf import read_field
from attnmel.deploy.onnx.texts import CONTENT, KEY, METADATA, PROBABILITIES, USE, read_texts, strings
from attnmel.deploy.packages import package
from attnmel.errors import CheckpointError
from attnmel.models.weights.card import CARD, Card, card_json, checked, chosen_for, read_card
from attnmel.models.weights.operating_points import Threshold
from attnmel.number_formats import fixed, plus, plus_span

EXPORT = f"{CARD}.export"
"""Key of the export's facts among the file's texts; the key of the card is `CARD`."""

Precision = Literal["float32", "int8", "bf16"]


@dataclass(frozen=True, kw_only=True)
class Parity:
    """Largest differences between one engine, running the file, and torch: from image file to probability and map."""

    engine: str
    """With its version."""
    images: int
    """Number of images of the run's data set; 0 if that was not found."""
    phantoms: int
    """Number of large synthetic photographs, on which differences in preprocessing show."""
    probability: float
    """Largest difference of a probability."""
    attention: float | None = None
    """Largest difference of a value of a map; None for a network without gates."""
    auc: float | None = None
    """Largest difference of an AUC on the images; None without images of both kinds."""
    judged_auc: float | None = None
    """Largest difference from an AUC of the predictions that `attnmel evaluate` wrote for the same images; None if
    there are none of this epoch."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One measure of a split, of the float32 network, with its 95 % interval."""

    split: str
    task: str
    measure: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The cost of a lower precision: its AUC minus that of float32 on the same images, with the 95 % interval."""

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
        """Largest plausible loss of AUC: by the lower end of the interval, or by the difference if it has no ends."""
        return -(self.difference if math.isnan(self.low) else self.low)

    def sentence(self, dataset: str) -> str:
        """Return the cost as a sentence; `dataset` is what the data set of the split is called, empty if not known."""
        of = f" of {dataset}" if dataset else ""
        return (
            f"{self.task} has an AUC of {fixed(self.auc, 4)} on {self.images} images of the split "
            f"{self.split}{of}, in float32 {fixed(self.float32, 4)}; the difference is {plus(self.difference, 4)} "
            f"(95 % interval {plus_span((self.low, self.high), 4) or 'not known'})"
        )


@dataclass(frozen=True, kw_only=True)
class ExportFacts:
    """Results of the check at the export, and what a user of the probabilities needs to know."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(ser_json_inf_nan="strings")

    precision: Precision
    """Of the weights and operations in the file."""
    versions: dict[str, str]
    """Versions of the packages that wrote and checked the file."""
    checked_on: str
    """In words: the images."""
    parity: tuple[Parity, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    measures: tuple[Measure, ...] = ()
    costs: tuple[Cost, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return _FACTS.dump_python(self)


_FACTS = TypeAdapter(ExportFacts)


def append_texts(path: Path, card: Card, facts: ExportFacts) -> None:
    """Append card and facts to an ONNX file, without changing the bytes that were checked.

    Of two concatenated protocol buffers, a reader joins the lists: here the list of texts.
    """
    onnx = package("onnx")
    texts = onnx.ModelProto()
    # The thresholds are those of the file itself, which in int8 differ from the checkpoint's: they have one place.
    plain = dataclasses.replace(card, thresholds=())
    values = {
        CARD: card_json(plain).decode(),
        EXPORT: _FACTS.dump_json(facts).decode(),
        CONTENT: content_hash(path),
        USE: use_in_words(card),
    }
    onnx.helper.set_model_props(texts, values)
    with path.open("ab") as file:
        file.write(texts.SerializeToString())


def use_in_words(card: Card) -> str:
    """Say of which probabilities the thresholds of a file are, for programs that run it without this package."""
    if chosen := chosen_for(card):
        return (
            f"each output is of one square as it is, but {chosen}: see 'Use in other programs' in "
            "docs/prediction/export.md"
        )
    return f"the thresholds are of the output '{PROBABILITIES}'"


def with_card(path: Path, target: Path, card: Card) -> None:
    """Copy an exported model with another card; its network and the facts of its export stay as they are."""
    _, facts = read_onnx_card(path)
    target.write_bytes(b"".join(_other_fields(path.read_bytes())))
    append_texts(target, card, facts)


def _other_fields(content: bytes) -> Iterator[bytes]:
    """Yield the outermost fields but the texts that `append_texts` writes."""
    file, own = BytesIO(content), {key.encode() for key in (CARD, EXPORT, CONTENT, USE)}
    while (start := file.tell()) < len(content):
        number, length = read_field(file)
        body = file.read(length)
        if number != METADATA or dict(strings(body)).get(KEY) not in own:
            yield content[start : file.tell()]


def read_onnx_card(path: Path) -> tuple[Card, ExportFacts]:
    """Read card and facts of an exported model, and check that its other bytes are those of the export.

    Raises:
        CheckpointError: no such file, a pickle, an incomplete ONNX file, one that `attnmel export` did not write, a
            card that cannot be read, changed bytes, or weights in other files.
    """
    texts = read_texts(path)
    if missing := [key for key in (CARD, EXPORT) if key not in texts]:
        raise CheckpointError(
            f"{path} is an ONNX file without {' and '.join(missing)} among its texts, so its classes and preprocessing "
            "are unknown; expected one that `attnmel export RUN --onnx` wrote"
        )
    check_content(path, texts.get(CONTENT))
    card, facts = read_card(texts[CARD], path), checked(texts[EXPORT], _FACTS.validate_json, path)
    return dataclasses.replace(card, thresholds=facts.thresholds), facts
