"""An ONNX file, the network it is of, and images -> how far they are apart in each engine; too far is refused.

The file is run as a user will run it: by `Predictor`, from the image file on, and besides by onnxruntime.
"""

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import nn

from attnmel.config.fields import ComputePrecision
from attnmel.data.preprocess.images import prepared_image
from attnmel.deploy.engines import Engine, EngineAnswers, onnxruntime_engine, predictor_engine
from attnmel.deploy.onnx_file import Parity
from attnmel.deploy.parity import CURE, ParityReport, class_aucs
from attnmel.deploy.precision_cost import EngineOutput
from attnmel.deploy.predictor import Predictor
from attnmel.errors import ExportError
from attnmel.models.output import predict_batch
from attnmel.models.weights.card import Card
from attnmel.pipeline.export.check_images import AT_ONCE, PHANTOMS, RealImages, few_at_a_time, large_phantoms
from attnmel.pipeline.predict.torch_model import model_input
from attnmel.progress import SILENT, Progress
from attnmel.records import Predictions

ALONE = AT_ONCE - len(PHANTOMS)
"""Real images that are also predicted one at a time: with the phantoms, as many as are in memory together."""


@dataclasses.dataclass(frozen=True)
class Checked:
    """How far the engines are from the network, and what they said of the real images."""

    parity: tuple[Parity, ...]
    said: tuple[EngineOutput, ...]
    """By engine of `engines_of`; empty without real images."""


def engines_of(path: Path, card: Card, precision: ComputePrecision = "float32") -> list[Engine]:
    """Load a file into each engine that has the precision; the first is `Predictor`, for many images.

    Raises:
        ConfigError: a package is not installed, or this CPU lacks the precision.
        CheckpointError: `Predictor` refuses the file.
    """
    ours = predictor_engine(Predictor(path, precision))
    return [ours] if precision == "bf16" else [ours, onnxruntime_engine(path, card)]


def check_file(
    path: Path,
    network: nn.Module,
    card: Card,
    real: RealImages | None,
    *,
    judged: Predictions | None = None,
    progress: Progress = SILENT,
) -> Checked:
    """Compare a file with its network, from image file to probability and map.

    First a few images one at a time, as `Predictor.predict` does it, then all by every engine. `judged` are what
    `evaluate` wrote of images among the real ones.

    Raises:
        ExportError: an engine is too far from the network, or from the judged predictions in AUC.
        CheckpointError: `Predictor` refuses the file, or what it gives.
        ImageError: an image cannot be used.
    """
    with tempfile.TemporaryDirectory() as folder:
        phantoms = large_phantoms(Path(folder))
        few = [*(real.some(ALONE).files if real else ()), *phantoms]
        (alone,) = _compared([predictor_engine(Predictor(path), many=False)], network, card, few, progress)
        parity = [_parity(alone)]
        files = [*(real.files if real else ()), *phantoms]
        compared = _compared(engines_of(path, card), network, card, files, progress)
    said = [EngineOutput.of(real.truth, one.found, one.maps) for one in compared] if real else []
    parity += [_parity(one, said[place] if said else None, judged) for place, one in enumerate(compared)]
    return Checked(tuple(parity), tuple(said))


def _compared(
    engines: Sequence[Engine], network: nn.Module, card: Card, files: list[Path], progress: Progress
) -> list[ParityReport]:
    comparisons = [ParityReport(engine, card.classes) for engine in engines]
    with progress.bar(f"checking {' and '.join(one.name for one in engines)}", len(files), "images") as advance:
        for some in few_at_a_time(files):
            squares = np.stack([prepared_image(path, crop=card.crop, side=card.side) for path in some])
            expected = network_answers(network, card, squares)
            for comparison in comparisons:
                comparison.add(some, expected)
            advance(len(some))
    return comparisons


def _parity(comparison: ParityReport, said: EngineOutput | None = None, judged: Predictions | None = None) -> Parity:
    probability, attention = comparison.check()
    return Parity(
        engine=comparison.engine.name,
        images=len(comparison.names) - len(PHANTOMS),
        phantoms=len(PHANTOMS),
        probability=probability,
        attention=attention,
        auc=comparison.against(said.predictions) if said else None,
        judged_auc=_against_judged(said.predictions, judged, comparison.engine.name) if said and judged else None,
    )


def network_answers(network: nn.Module, card: Card, squares: UInt8[np.ndarray, "N S S 3"]) -> EngineAnswers:
    """Return what the network says by torch, prepared and calibrated as `predict_images` does it."""
    inputs = torch.cat([model_input(square, card) for square in squares])
    found = predict_batch(network, inputs, card.temperature)
    return EngineAnswers(found.probabilities.astype(np.float32), found.attention)


def engine_said(engine: Engine, real: RealImages, progress: Progress = SILENT) -> EngineOutput:
    """Return what an engine says of real images.

    Raises:
        CheckpointError, ImageError: what the engine gives is no number, an image cannot be used.
    """
    found: list[EngineAnswers] = []
    with progress.bar(f"predicting by {engine.name}", len(real.rows), "images") as advance:
        for some in few_at_a_time(real.files):
            found.append(engine.answers(some))
            advance(len(some))
    return EngineOutput.of(real.truth, [one.probabilities for one in found], [one.attention for one in found])


def _against_judged(found: Predictions, judged: Predictions, engine: str) -> float | None:
    """Return the largest difference of an AUC from the judged predictions on the images that both have."""
    place = {image_id: row for row, image_id in enumerate(judged.image_ids)}
    both = found.among(np.array([image_id in place for image_id in found.image_ids], dtype=np.bool_))
    before = judged.probabilities[[place[image_id] for image_id in both.image_ids]]
    largest = None
    for name, then, now, equal in class_aucs(both, before, both.probabilities):
        if not equal:
            raise ExportError(
                f"the ONNX file, run by {engine}, has an AUC of {now:.6f} for {name} on {len(before)} images, but "
                f"`attnmel evaluate` found {then:.6f}: judge the run again, if its checkpoint or images are not those "
                f"of then. {CURE}"
            )
        largest = max(largest or 0.0, abs(now - then))
    return largest
