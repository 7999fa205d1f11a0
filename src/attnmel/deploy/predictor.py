"""Predict images by an exported model: probabilities, decisions and attention maps. No torch.

from attnmel import Predictor

predictor = Predictor("model.onnx")
print(predictor.predict("lesion.jpg").probabilities)
"""

import dataclasses
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, UInt8
from PIL.Image import Image as PillowImage

from attnmel import NOTICE
from attnmel.config.fields import ComputePrecision
from attnmel.data.preprocess.decode import UNNAMED
from attnmel.data.preprocess.images import central_square, prepare_image, prepared_pixels, whole_frame
from attnmel.deploy.onnx_file import (
    ATTENTION,
    BOUND,
    LOGITS,
    PROBABILITIES,
    SQUARE,
    ExportFacts,
    read_onnx_card,
)
from attnmel.deploy.openvino import ENGINE_PRECISION, Compiled, OnnxNetwork
from attnmel.deploy.workers import STALL_LIMIT, in_threads
from attnmel.errors import CheckpointError, ConfigError, ImageError, require_known
from attnmel.models.weights.card import Card
from attnmel.models.weights.operating_points import Decision, decisions_of
from attnmel.pretrained.catalogue import find_model
from attnmel.records import ATTENTION_MAPS
from attnmel.threads import requested_threads

IMAGE_DIMENSIONS = 3

WORKERS_PER_PASS = 2
"""Threads for each image in the network: one decodes while the other waits for the network."""

Image = str | Path | bytes | np.ndarray | PillowImage
"""A file by its path or as its bytes, RGB pixels, or a picture of Pillow with the profile and EXIF that it carries."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """The prediction for one image."""

    probabilities: Mapping[str, float]
    """By class, in the order of the network's scores; calibrated if the model has a temperature."""
    uncalibrated: Mapping[str, float]
    """The probabilities without the temperature."""
    decisions: tuple[Decision, ...]
    """One for each operating point of the file; empty if it has none."""
    attention: Mapping[str, Float32[np.ndarray, "h w"]] = dataclasses.field(repr=False)
    """Maps in [0, 1] of the square that the network saw, by name; empty without gates."""
    width: int
    """Width in pixels of the image as a viewer shows it."""
    height: int
    card: Card = dataclasses.field(repr=False)
    notice: str = NOTICE

    @property
    def licence(self) -> str:
        """Licence of the training data."""
        return self.card.licence

    def frame(self, name: str) -> Float32[np.ndarray, "H W"]:
        """Return an attention map in the geometry of the whole image, bilinear; 0 where the network saw nothing.

        Raises:
            ConfigError: the network has no such map.
        """
        require_known("attention map", name, self.attention)
        square = central_square(self.width, self.height, self.card.crop)
        return whole_frame(self.attention[name], square, size=self.card.size, side=self.card.side)


class PredictedFile(NamedTuple):
    """One image of many, with its prediction or the reason why it could not be used."""

    path: Path
    """Of an image that is no file: "the image"."""
    prediction: Prediction | None
    error: str = ""


class Predictor:
    """A model that `attnmel export` wrote, ready to predict; research use only, not a medical device.

    `model` is its file, or the name of a pretrained model: Predictor("pretrained"). `threads` defaults to
    $ATTNMEL_THREADS, else to the engine's choice. "bf16" multiplies in bfloat16, faster on processors that have it; if
    the export measured its cost, that may be at most `bound` of AUC, by the lower end of its interval. One predictor
    may be used from any number of threads.

    Raises:
        CheckpointError: no such file, a damaged one, or one that `attnmel export` did not write.
        ConfigError: the precision is unknown, not available on this processor, or costs too much; openvino is not
            installed.
    """

    def __init__(
        self,
        model: str | Path,
        precision: ComputePrecision = "float32",
        threads: int | None = None,
        *,
        bound: float = BOUND,
    ) -> None:
        require_known("precision", precision, ENGINE_PRECISION)
        shipped = find_model(model) if isinstance(model, str) else None
        path = shipped.onnx if shipped else Path(model)
        self.card: Card
        """Classes, preprocessing, licence and measures."""
        self.facts: ExportFacts
        """Results of the check at the export."""
        self.card, self.facts = read_onnx_card(path)
        if precision == "bf16" and self.facts.precision != "float32":
            raise ConfigError(
                f"precision is 'bf16', but {path} is {self.facts.precision} already; use 'float32', which does not "
                "change it, or the float32 file"
            )
        _refuse_costly(self.facts, precision, bound)
        self._network = OnnxNetwork(path, precision=precision, threads=requested_threads(threads))
        _check(self._network, self.card, self.facts, path)
        self._path = path
        self._ready: dict[bool, Compiled] = {}
        self._compiling = threading.Lock()

    def predict(self, image: Image) -> Prediction:
        """Predict one image: path or bytes of an image file, a picture of Pillow, or upright pixels, RGB uint8 [H W 3].

        Raises:
            ImageError: the image cannot be used.
        """
        return self._predict(image, self._compiled(many=False))

    def predict_file(self, path: str | Path) -> PredictedFile:
        """Predict one file, or return the reason why it cannot be used."""
        return self._predict_file(path, self._compiled(many=False))

    def predict_many(
        self, images: Image | Iterable[Image], *, stall_limit: float = STALL_LIMIT
    ) -> Iterator[PredictedFile]:
        """Yield the prediction of each image in their order, or the reason why it cannot be used.

        A single image counts as one of many. Several are decoded and predicted at the same time, only a few ahead, so
        memory does not grow with their number.

        Raises:
            StalledError: the next prediction did not come within `stall_limit` seconds; 0 means no limit.
        """
        network = self._compiled(many=True)
        workers = network.at_once * WORKERS_PER_PASS
        yield from in_threads(
            lambda image: self._predict_file(image, network), several(images), workers, limit=stall_limit
        )

    def _compiled(self, *, many: bool) -> Compiled:
        with self._compiling:
            if many not in self._ready:
                self._ready[many] = self._network.compiled(many=many)
            return self._ready[many]

    def _predict_file(self, image: Image, network: Compiled) -> PredictedFile:
        path = Path(image) if isinstance(image, str | Path) else Path(UNNAMED)
        try:
            return PredictedFile(path, self._predict(image, network))
        except ImageError as error:
            return PredictedFile(path, None, str(error))

    def _predict(self, image: Image, network: Compiled) -> Prediction:
        square, (width, height) = _prepared(image, self.card)
        outputs = network.run(square)
        probabilities = _by_class(outputs[PROBABILITIES], self.card, self._path)
        return Prediction(
            probabilities=probabilities,
            uncalibrated=_by_class(_softmax(outputs[LOGITS]), self.card, self._path),
            decisions=decisions_of(probabilities, self.facts.thresholds),
            attention={
                name: outputs[output]
                for name, output in zip(ATTENTION_MAPS, ATTENTION, strict=True)
                if output in outputs
            },
            width=width,
            height=height,
            card=self.card,
        )


def _prepared(image: Image, card: Card) -> tuple[UInt8[np.ndarray, "S S 3"], tuple[int, int]]:
    """Return the prepared square, and the width and height of the image."""
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise ImageError(
                f"the image is an array of {image.dtype} {list(image.shape)}; expected uint8 [height, width, 3], RGB"
            )
        return prepared_pixels(image, crop=card.crop, side=card.side), (image.shape[1], image.shape[0])
    found = prepare_image(Path(image) if isinstance(image, str) else image, crop=card.crop, side=card.side)
    return found.pixels, (found.width, found.height)


def several(images: Image | Iterable[Image]) -> Iterable[Image]:
    """Return the images; a single one, which could be iterated over as well, as the only of several."""
    if isinstance(images, np.ndarray):
        return [images] if images.ndim == IMAGE_DIMENSIONS else list(images)
    return [images] if isinstance(images, str | Path | bytes | PillowImage) else images


def _by_class(probabilities: np.ndarray, card: Card, path: Path) -> dict[str, float]:
    if not np.isfinite(probabilities).all():
        raise CheckpointError(f"{path} gave a probability that is not a number: its weights are damaged; export again")
    return dict(zip(card.classes, probabilities.tolist(), strict=True))


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(np.float64) - logits.max())
    return powers / powers.sum()


def _refuse_costly(facts: ExportFacts, precision: ComputePrecision, bound: float) -> None:
    for cost in facts.costs:
        if cost.precision == precision and cost.most > bound:
            raise ConfigError(
                f"{precision} may cost too much: {cost.sentence}, and the largest accepted loss is {bound:g}; use "
                "float32, or accept more by `bound` (--bound)"
            )


def _check(network: OnnxNetwork, card: Card, facts: ExportFacts, path: Path) -> None:
    """Refuse a network whose inputs, outputs or thresholds do not fit its card.

    Raises:
        CheckpointError: says what was found and expected.
    """
    squares, scores = (-1, card.side, card.side, 3), (-1, len(card.classes))
    found = {name: shape for name, shape in network.outputs.items() if name in (PROBABILITIES, LOGITS)}
    if network.inputs != {SQUARE: squares} or found != {PROBABILITIES: scores, LOGITS: scores}:
        raise CheckpointError(
            f"the network in {path} has the inputs {network.inputs} and the outputs {network.outputs}; its card needs "
            f"{ {SQUARE: squares} } and {PROBABILITIES} and {LOGITS} of {len(card.classes)} classes: export again"
        )
    if unknown := sorted({one.task for one in facts.thresholds} - set(card.classes)):
        raise CheckpointError(
            f"{path} holds thresholds for {', '.join(unknown)}, but its classes are {', '.join(card.classes)}: export "
            "again"
        )
