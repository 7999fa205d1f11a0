"""Predict images by an exported model: probabilities, decisions and attention maps. No torch.

from attnmel import Predictor

predictor = Predictor("model.onnx")
print(predictor.predict("lesion.jpg").probabilities)
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from attnmel import NOTICE
from attnmel.arguments import Share, checked_arguments
from attnmel.compute.threads import requested_threads
from attnmel.config.settings.tta import Transform, transforms_of
from attnmel.data.preprocess.framing import framing_of
from attnmel.data.preprocess.images import image_size, lesion_mask, whole_frame
from attnmel.data.preprocess.network_input import NetworkInput, Seen, network_input
from attnmel.deploy.checked_inputs import (
    Image,
    LesionMask,
    check_mask,
    model_file,
    model_name,
    name_of,
    one_image,
    several,
)
from attnmel.deploy.early_compile import compile_ahead, opened_network
from attnmel.deploy.onnx.texts import ATTENTION, BOUND, LOGITS, PROBABILITIES, SQUARE
from attnmel.deploy.openvino import ENGINE_PRECISION, Compiled, OnnxNetwork
from attnmel.deploy.workers import STALL_LIMIT, in_threads
from attnmel.errors import CheckpointError, ConfigError, ImageError, require_known
from attnmel.models.averaging import averaged, softmax
from attnmel.models.weights.operating_points import Decision, decisions_of
from attnmel.pretrained.catalogue import onnx_path
from attnmel.records import ATTENTION_MAPS
from attnmel.shapes import Float32

if TYPE_CHECKING:
    from attnmel.config.fields import ComputePrecision
    from attnmel.deploy.onnx.export_facts import ExportFacts
    from attnmel.models.weights.card import Card

WORKERS_PER_PASS = 2
"""Threads for each image in the network: one decodes while the other waits for the network."""

MaskOf = Callable[[Path], LesionMask | None]
"""The lesion mask of an image file."""


def no_mask(path: Path) -> None:
    """Return that an image has no mask."""


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
    seen: Seen
    """The part of the image that the network saw, the share of image and lesion in it, and warnings."""
    width: int
    """Width in pixels of the image as a viewer shows it."""
    height: int
    card: "Card" = dataclasses.field(repr=False)
    notice: str = NOTICE

    @property
    def licence(self) -> str:
        """Licence of the training data."""
        return self.card.licence

    def frame(self, name: str) -> Float32[np.ndarray, "H W"]:
        """Return an attention map in the geometry of the whole image, bilinear; 0 where the network saw nothing."""
        require_known("attention map", name, self.attention)
        return whole_frame(self.attention[name], self.seen.squares[0], size=self.card.size, side=self.card.size)


class PredictedFile(NamedTuple):
    """One image of many, with its prediction or the reason why it could not be used."""

    path: Path
    """Of an image that is no file its place among those given, images[0]; of a single one "the image"."""
    prediction: Prediction | None
    error: str = ""


class Predictor:
    """A model that `attnmel export` wrote, ready to predict; research use only, not a medical device.

    `model` is its file, or a name: Predictor("pretrained"), Predictor("hf:OWNER/NAME@REVISION"). `threads` defaults to
    $ATTNMEL_THREADS, else to the engine's choice, at most a container's quota. "bf16" multiplies in bfloat16, faster on
    processors that have it; if the export measured its cost, that may be at most `bound` of AUC, by the lower end of
    its interval. `transforms` of an image whose probabilities are averaged, as of `attnmel predict --tta`; by default
    the model's own, for which its temperature and thresholds were chosen. The network is compiled in the background for
    `predict`, or with `many` for `predict_many`; when the other is first called it is compiled for that too, and both
    stay in memory. One predictor may be used from any number of threads, and in a forked process, which compiles the
    network anew.

    Raises:
        CheckpointError: no such file, a damaged one, or one that `attnmel export` did not write.
        ConfigError: the precision is unknown, not available on this processor, or costs too much; unknown transforms;
            openvino is not installed.
    """

    @checked_arguments("model")
    def __init__(
        self,
        model: str | Path,
        precision: "ComputePrecision" = "float32",
        threads: int | None = None,
        *,
        bound: Share = BOUND,
        transforms: str | None = None,
        many: bool = False,
    ) -> None:
        model = model_name(model)
        require_known("precision", precision, ENGINE_PRECISION)
        threads = requested_threads(threads)
        compile_ahead(
            (onnx_path(model) if isinstance(model, str) else None) or Path(model), precision, threads, many=many
        )
        from attnmel.deploy.onnx.export_facts import (
            read_onnx_card,  # takes as long to load as a small network to compile
        )

        path = model_file(model)
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
        _refuse_costly(self.facts, self.card.trained_on, precision, bound)
        self.transforms: str = self.card.transforms if transforms is None else transforms
        """Name of the transforms of each image whose probabilities are averaged."""
        self._transforms = transforms_of(self.transforms)
        self._network = opened_network(path, precision=precision, threads=threads)
        _check(self._network, self.card, self.facts, path)
        self._path = path

    def __repr__(self) -> str:
        shown = f"{str(self._path)!r}, {', '.join(self.card.classes)}, transforms {self.transforms}"
        return f"Predictor({shown}; see .predict() and .predict_many())"

    @checked_arguments("image", "mask")
    def predict(self, image: Image, mask: LesionMask | None = None, *, many: bool = False) -> Prediction:
        """Predict one image: path or bytes of an image file, a picture of Pillow, or upright pixels, RGB uint8 [H W 3].

        `mask` is the lesion's, a file or bool [H W]: with it the prediction says how much of the lesion the network
        saw. A network whose crop follows the lesion needs it, and else sees the largest central square. By default all
        threads compute this image; with `many` several threads may predict at the same time, each image more slowly.

        Raises:
            ImageError: the image or the mask cannot be used.
        """
        return self._predict(image, mask, self._compiled(many=many))

    def at_once(self) -> int:
        """Return how many images are computed at the same time by `predict_many`, and by `predict` with `many`."""
        return self._compiled(many=True).at_once

    @checked_arguments("path")
    def predict_file(self, path: str | Path, masks: MaskOf = no_mask) -> PredictedFile:
        """Predict one file, or return the reason why it, or its mask, cannot be used."""
        return self._predict_file(path, name_of(path), masks, self._compiled(many=False))

    @checked_arguments("images")
    def predict_many(
        self, images: Image | Iterable[Image], *, masks: MaskOf = no_mask, stall_limit: float = STALL_LIMIT
    ) -> Iterator[PredictedFile]:
        """Yield the prediction of each image in their order, or the reason why it cannot be used.

        A single image counts as one of many. Several are decoded and predicted at the same time, only a few ahead, so
        memory does not grow with their number. `masks` gives the lesion mask of a file by its path, or None; it is
        called by several threads.

        Raises:
            ImageError, ConfigError: at once, if these are no images at all, or no limit.
            StalledError: the next prediction did not come within `stall_limit` seconds; 0 means no limit.
        """
        if not stall_limit >= 0:
            raise ConfigError(f"stall_limit is {stall_limit:g}; expected seconds, 0 for no limit")
        given, network = several(images), self._compiled(many=True)
        workers = network.at_once * WORKERS_PER_PASS
        return in_threads(
            lambda one: self._predict_file(one.image, one.name, masks, network), given, workers, limit=stall_limit
        )

    def _compiled(self, *, many: bool) -> Compiled:
        return self._network.compiled(many=many)

    def _predict_file(self, image: object, name: str, masks: MaskOf, network: Compiled) -> PredictedFile:
        path = Path(name)
        try:
            source = one_image(image)
            path = source if isinstance(source, Path) else path
            mask = masks(path) if isinstance(source, Path) else None
            return PredictedFile(path, self._predict(source, mask, network))
        except ImageError as error:
            return PredictedFile(path, None, str(error))

    def _predict(self, image: Image, mask: LesionMask | None, network: Compiled) -> Prediction:
        found = prepared_input(image, mask, self.card, self._transforms)
        of_squares = [network.run(square) for square in found.prepared]
        outputs = of_squares[0]
        shares = np.stack([softmax(one[LOGITS]) for one in of_squares])[None]
        several = len(of_squares) > 1
        calibrated = averaged(shares, self.card.temperature)[0] if several else outputs[PROBABILITIES]
        probabilities = _by_class(calibrated, self.card, self._path)
        return Prediction(
            probabilities=probabilities,
            uncalibrated=_by_class(averaged(shares)[0] if several else shares[0, 0], self.card, self._path),
            decisions=decisions_of(probabilities, self.facts.thresholds),
            attention={
                name: outputs[output]
                for name, output in zip(ATTENTION_MAPS, ATTENTION, strict=True)
                if output in outputs
            },
            seen=found.seen,
            width=found.width,
            height=found.height,
            card=self.card,
        )


def prepared_input(
    image: Image, mask: LesionMask | None, card: "Card", transforms: Sequence[Transform] | None = None
) -> NetworkInput:
    """Prepare an image for the network of a card, in the transforms given or else those of the card.

    Raises:
        ImageError: the image or the mask cannot be used.
    """
    source = one_image(image)
    check_mask(mask)
    if isinstance(mask, str | Path):
        size = (source.shape[1], source.shape[0]) if isinstance(source, np.ndarray) else image_size(source)
        mask = lesion_mask(Path(mask), image_size=size)
    transforms = transforms_of(card.transforms) if transforms is None else transforms
    return network_input(
        source,
        framing_of(card),
        mask=mask,
        colours=card.colours,
        colour_constancy=card.colour_constancy,
        transforms=transforms,
    )


def _by_class(probabilities: np.ndarray, card: "Card", path: Path) -> dict[str, float]:
    if not np.isfinite(probabilities).all():
        raise CheckpointError(f"{path} gave a probability that is not a number: its weights are damaged; export again")
    return dict(zip(card.classes, probabilities.tolist(), strict=True))


def _refuse_costly(facts: "ExportFacts", dataset: str, precision: "ComputePrecision", bound: float) -> None:
    for cost in facts.costs:
        if cost.precision == precision and cost.most > bound:
            raise ConfigError(
                f"{precision} may cost too much: {cost.sentence(dataset)}, and the largest accepted loss is {bound:g}; "
                "use float32, or accept more by `bound` (--bound)"
            )


def _check(network: OnnxNetwork, card: "Card", facts: "ExportFacts", path: Path) -> None:
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
