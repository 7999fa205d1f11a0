"""An ONNX file and image files -> answers; loads no torch."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from attnmel.config.fields import ComputePrecision
from attnmel.deploy.onnx_file import BOUND
from attnmel.deploy.openvino import engine_version
from attnmel.deploy.predictor import PredictedFile, Predictor
from attnmel.deploy.workers import STALL_LIMIT
from attnmel.models.weights.card import Card
from attnmel.pipeline.predict.table import Answer

SUFFIX = ".onnx"
"""Ending of the name of a model that this runs."""


class OnnxModel:
    """An exported model that answers file by file.

    Raises:
        CheckpointError: the file cannot be used.
        ConfigError: a precision that the processor lacks or that may cost more AUC than `bound`.
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
    ) -> None:
        self._predictor = Predictor(path, precision, bound=bound)
        self._stall_limit = stall_limit
        self.file = path
        self.card: Card = self._predictor.card
        self.temperature = self.card.temperature if calibrated else None
        # They are of calibrated probabilities, so those without the temperature have none.
        self.thresholds = self._predictor.facts.thresholds if calibrated else ()
        self.costs = [one.sentence for one in self._predictor.facts.costs if one.precision == precision]
        """What the precision costs, in words; empty where it was not measured."""
        self.made_with = {"engine": engine_version(), "precision": precision}

    def answers(self, paths: Sequence[Path], *, many: bool) -> Iterator[Answer]:
        """Give the answer of each file; `many` are done several at a time."""
        if many:
            yield from map(self._answer, self._predictor.predict_many(paths, stall_limit=self._stall_limit))
        else:
            yield from map(self._answer, map(self._predictor.predict_file, paths))

    def _answer(self, said: PredictedFile) -> Answer:
        if said.prediction is None:
            return Answer(str(said.path), (), said.error)
        calibrated = self.temperature is not None
        shares = said.prediction.probabilities if calibrated else said.prediction.uncalibrated
        return Answer(str(said.path), tuple(shares.values()), attention=said.prediction.attention)
