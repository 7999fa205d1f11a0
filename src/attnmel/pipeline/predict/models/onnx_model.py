"""Predict image files by an ONNX file, without torch."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from attnmel.config.fields import ComputePrecision
from attnmel.config.settings.tta import with_transforms
from attnmel.data.image_files.picture import NamedBytes
from attnmel.data.preprocess.network_input import Mask
from attnmel.deploy.onnx.texts import BOUND
from attnmel.deploy.openvino import engine_version
from attnmel.deploy.predictor import PredictedFile, Prediction, Predictor
from attnmel.deploy.workers import STALL_LIMIT
from attnmel.errors import ImageError
from attnmel.models.weights.card import Card
from attnmel.pipeline.predict.masks.lesion_masks import NO_MASKS, MaskOf
from attnmel.pipeline.predict.table import ImageResult

SUFFIX = ".onnx"
"""Ending of an ONNX file's name."""


class OnnxModel:
    """An exported model, which predicts image by image.

    Raises:
        CheckpointError: the file cannot be used.
        ConfigError: the processor lacks the precision, or it may cost more AUC than `bound`.
    """

    together = 1

    def __init__(
        self,
        path: Path,
        *,
        precision: ComputePrecision,
        calibrated: bool,
        bound: float = BOUND,
        stall_limit: float = STALL_LIMIT,
        masks: MaskOf = NO_MASKS,
        transforms: str | None = None,
        many: bool = False,
    ) -> None:
        self._predictor = Predictor(path, precision, bound=bound, transforms=transforms, many=many)
        self._stall_limit, self._masks = stall_limit, masks
        self.file = path
        self.card: Card = self._predictor.card
        self.temperature = self.card.temperature if calibrated else None
        # They are of the scale of the card: calibrated where it has a temperature.
        self.thresholds = self._predictor.facts.thresholds if calibrated or self.card.temperature is None else ()
        self.transforms = self._predictor.transforms
        own = self.card.transforms
        others = "" if self.transforms == own else f", measured {with_transforms(own)}"
        costs = (one for one in self._predictor.facts.costs if one.precision == precision)
        self.costs = [f"{one.sentence(self.card.trained_on)}{others}" for one in costs]
        """Cost of the precision in words; empty if it was not measured."""
        self.made_with = {"engine": engine_version(), "precision": precision}

    def predict(self, paths: Sequence[Path], *, many: bool) -> Iterator[ImageResult]:
        """Yield the result of each file; `many` computes several at a time."""
        if many:
            found = self._predictor.predict_many(paths, masks=self._masks, stall_limit=self._stall_limit)
        else:
            found = (self._predictor.predict_file(path, self._masks) for path in paths)
        yield from map(self._result, found)

    @property
    def at_once(self) -> int:
        """Number of images that it computes at the same time, with `many`."""
        return self._predictor.at_once()

    def predict_upload(self, image: NamedBytes, mask: Mask | None = None, *, many: bool = False) -> ImageResult:
        """Return the result of a file that is in memory; `many` where others are computed at the same time."""
        try:
            return self._found(image.name, self._predictor.predict(image, mask, many=many))
        except ImageError as error:
            return ImageResult(image.name, (), str(error))

    def _result(self, one: PredictedFile) -> ImageResult:
        if one.prediction is None:
            return ImageResult(str(one.path), (), one.error)
        return self._found(str(one.path), one.prediction)

    def _found(self, name: str, found: Prediction) -> ImageResult:
        probabilities = found.probabilities if self.temperature is not None else found.uncalibrated
        return ImageResult(name, tuple(probabilities.values()), attention=found.attention, seen=found.seen)
