"""Check an ONNX file against its network: the differences of their outputs on images, for each engine.

The file is run as a user will run it, by `Predictor` from the image file on, and also by onnxruntime.
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
from attnmel.deploy.engines import Engine, EngineOutput, onnxruntime_engine, predictor_engine
from attnmel.deploy.onnx.export_facts import Parity
from attnmel.deploy.parity import CURE, ParityReport, class_aucs
from attnmel.deploy.predictor import MaskOf, Predictor, no_mask, prepared_input
from attnmel.errors import ExportError
from attnmel.models.output import predict_squares
from attnmel.models.weights.card import Card
from attnmel.number_formats import fixed
from attnmel.pipeline.export.check_images import AT_ONCE, PHANTOMS, RealImages, few_at_a_time, large_phantoms
from attnmel.pipeline.predict.models.torch_model import model_input
from attnmel.pipeline.run.images.age_and_sex import with_prior
from attnmel.progress import SILENT, Progress
from attnmel.records import Predictions

ALONE = AT_ONCE - len(PHANTOMS)
"""Number of real images that are also predicted one at a time: with the phantoms, one group in memory."""


@dataclasses.dataclass(frozen=True)
class Checked:
    """Differences between each engine and the network, and the engines' outputs for the real images."""

    parity: tuple[Parity, ...]
    outputs: tuple[EngineOutput, ...]
    """In the order of `engines_of`; empty without real images."""


def engines_of(
    path: Path, card: Card, precision: ComputePrecision = "float32", masks: MaskOf = no_mask
) -> list[Engine]:
    """Load a file into each engine that has the precision; the first is `Predictor`, for many images.

    Raises:
        ConfigError: a package is not installed, or this CPU lacks the precision.
        CheckpointError: `Predictor` refuses the file.
    """
    ours = predictor_engine(Predictor(path, precision), masks=masks)
    return [ours] if precision == "bf16" else [ours, onnxruntime_engine(path, card, masks)]


def check_file(
    path: Path,
    network: nn.Module,
    card: Card,
    real: RealImages | None,
    *,
    evaluated: Predictions | None = None,
    progress: Progress = SILENT,
) -> Checked:
    """Compare a file with its network, from image file to probability and map.

    A few images are run one at a time, as by `Predictor.predict`, then all by every engine. `evaluated` are the
    predictions that `evaluate` wrote for images among the real ones.

    Raises:
        ExportError: an engine differs too much from the network, or in AUC from the evaluated predictions.
        CheckpointError: `Predictor` refuses the file or its outputs.
        ImageError: an image cannot be used.
    """
    with tempfile.TemporaryDirectory() as folder:
        phantoms = large_phantoms(Path(folder))
        few = [*(real.some(ALONE).files if real else ()), *phantoms]
        masks = real.mask if real else no_mask
        engine = predictor_engine(Predictor(path), many=False, masks=masks)
        (alone,) = _compared([engine], network, card, few, masks, progress)
        parity = [_parity(alone, card)]
        files = [*(real.files if real else ()), *phantoms]
        compared = _compared(engines_of(path, card, masks=masks), network, card, files, masks, progress)
    truth = real.truth if real else None
    parity += [_parity(one, card, truth, evaluated) for one in compared]
    outputs = [EngineOutput.joined(one.found, len(truth.image_ids)) for one in compared] if truth else []
    return Checked(tuple(parity), tuple(outputs))


def _compared(
    engines: Sequence[Engine],
    network: nn.Module,
    card: Card,
    files: list[Path],
    masks: MaskOf,
    progress: Progress,
) -> list[ParityReport]:
    comparisons = [ParityReport(engine, card.classes) for engine in engines]
    with progress.bar(f"checking {' and '.join(one.name for one in engines)}", len(files), "images") as advance:
        for some in few_at_a_time(files):
            found = [prepared_input(path, masks(path), card).prepared for path in some]
            squares = np.stack([square for squares in found for square in squares])
            expected = expected_output(network, card, squares, len(some))
            for comparison in comparisons:
                comparison.add(some, expected)
            advance(len(some))
    return comparisons


def _parity(
    comparison: ParityReport, card: Card, truth: Predictions | None = None, evaluated: Predictions | None = None
) -> Parity:
    probability, attention = comparison.check()
    return Parity(
        engine=comparison.engine.name,
        images=len(comparison.names) - len(PHANTOMS),
        phantoms=len(PHANTOMS),
        probability=probability,
        attention=attention,
        auc=comparison.against(truth) if truth else None,
        judged_auc=_against_evaluated(comparison, card, truth, evaluated) if truth and evaluated else None,
    )


def expected_output(network: nn.Module, card: Card, squares: UInt8[np.ndarray, "N S S 3"], images: int) -> EngineOutput:
    """Return the outputs of the network by torch, as by `predict_images`, rounded to float32 like an engine's.

    The squares of an image, one for each crop and transform, follow each other; their probabilities are averaged.
    """
    inputs = torch.cat([model_input(square, card) for square in squares])
    found = predict_squares(network, inputs, images, card.temperature)
    return EngineOutput(found.probabilities.astype(np.float32), found.attention)


def engine_output(engine: Engine, real: RealImages, progress: Progress = SILENT) -> EngineOutput:
    """Return the outputs of an engine for real images.

    Raises:
        CheckpointError: a probability is not a number.
        ImageError: an image cannot be used.
    """
    found: list[EngineOutput] = []
    with progress.bar(f"predicting by {engine.name}", len(real.rows), "images") as advance:
        for some in few_at_a_time(real.files):
            found.append(engine.run(some))
            advance(len(some))
    return EngineOutput.joined(found)


def _against_evaluated(
    comparison: ParityReport, card: Card, truth: Predictions, evaluated: Predictions
) -> float | None:
    """Return the largest difference of an AUC from the evaluated predictions, on the images of both.

    Those are with age and sex, if the card has a prior of them.
    """
    plain = EngineOutput.joined(comparison.found, len(truth.image_ids)).predictions(truth)
    found, _ = with_prior(card.age_sex_prior, plain, card.temperature)
    place = {image_id: row for row, image_id in enumerate(evaluated.image_ids)}
    both = found.among(np.array([image_id in place for image_id in found.image_ids], dtype=np.bool_))
    before = evaluated.probabilities[[place[image_id] for image_id in both.image_ids]]
    largest = None
    for name, then, now, equal in class_aucs(both, before, both.probabilities):
        if not equal:
            raise ExportError(
                f"the ONNX file, run by {comparison.engine.name}, has an AUC of {fixed(now, 6)} for {name} on "
                f"{len(before)} images, but `attnmel evaluate` found {fixed(then, 6)}: evaluate the run again "
                f"if its checkpoint or images have changed. {CURE}"
            )
        largest = max(largest or 0.0, abs(now - then))
    return largest
