"""An ONNX file, the network it is of, and images -> how far they are apart in each engine; too far is refused."""

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import nn

from attnmel.errors import ExportError
from attnmel.evaluation.delong import areas
from attnmel.models.card import Card
from attnmel.models.output import Output
from attnmel.pipeline.export_images import RealImages, large_phantoms, squares_of
from attnmel.pipeline.predict_checkpoint import model_input
from attnmel.progress import SILENT, Progress
from attnmel.records import Predictions
from attnmel.serve.costs import Said
from attnmel.serve.engines import Answers, Engine
from attnmel.serve.onnx_file import Parity
from attnmel.serve.parity import AUC, CURE, Comparison


@dataclasses.dataclass(frozen=True)
class Checked:
    """How far the engines are from the network, and what they said of the real images."""

    parity: tuple[Parity, ...]
    said: tuple[Said, ...]
    """By engine; empty without real images."""


def check_file(
    engines: Sequence[Engine],
    network: nn.Module,
    card: Card,
    real: RealImages | None,
    *,
    judged: Predictions | None = None,
    progress: Progress = SILENT,
) -> Checked:
    """Compare a file, loaded by the engines, with its network, from image file to probability and map.

    `judged` are what `evaluate` wrote of images among the real ones.

    Raises:
        ExportError: an engine is too far from the network, or from the judged predictions in AUC.
        ImageError: an image cannot be used.
    """
    comparisons = [Comparison(engine, card.classes) for engine in engines]
    with tempfile.TemporaryDirectory() as folder:
        phantoms = large_phantoms(Path(folder))
        files = [*(real.files if real else ()), *phantoms]
        with progress.bar("checking", len(files), "images") as advance:
            for names, squares in squares_of(files, card):
                expected = network_answers(network, card, squares)
                for comparison in comparisons:
                    comparison.add(names, squares, expected)
                advance(len(names))
    said = tuple(Said.of(real.truth, one.found, one.maps) for one in comparisons) if real else ()
    parity = []
    for place, comparison in enumerate(comparisons):
        probability, attention = comparison.check()
        parity.append(
            Parity(
                engine=comparison.engine.name,
                images=len(files) - len(phantoms),
                phantoms=len(phantoms),
                probability=probability,
                attention=attention,
                auc=comparison.against(real.truth) if real else None,
                judged_auc=_against_judged(said[place].predictions, judged, comparison.engine.name)
                if said and judged
                else None,
            )
        )
    return Checked(tuple(parity), said)


@torch.inference_mode()
def network_answers(network: nn.Module, card: Card, squares: UInt8[np.ndarray, "N S S 3"]) -> Answers:
    """Return what the network says by torch, prepared and calibrated as `predict_images` does it."""
    output: Output = network(torch.cat([model_input(square, card) for square in squares]))
    logits = output.logits.double() / (1 if card.temperature is None else card.temperature)
    maps = tuple(one[:, 0].numpy() for one in output.attention)
    return Answers(logits.softmax(dim=1).float().numpy(), output.logits.numpy(), maps)


def engine_said(engine: Engine, card: Card, real: RealImages, progress: Progress = SILENT) -> Said:
    """Return what an engine says of real images.

    Raises:
        ImageError: an image cannot be used.
    """
    shares, maps = [], []
    with progress.bar(f"predicting by {engine.name}", len(real.rows), "images") as advance:
        for names, squares in squares_of(real.files, card):
            answers = engine.run(squares)
            shares.append(answers.probabilities)
            maps.append(answers.attention)
            advance(len(names))
    return Said.of(real.truth, shares, maps)


def _against_judged(found: Predictions, judged: Predictions, engine: str) -> float | None:
    """Return the largest difference of an AUC from the judged predictions on the images that both have."""
    place = {image_id: row for row, image_id in enumerate(judged.image_ids)}
    both = [row for row, image_id in enumerate(found.image_ids) if image_id in place]
    before = judged.probabilities[[place[found.image_ids[row]] for row in both]]
    largest = None
    for column, name in enumerate(found.classes):
        positive = found.is_class(name)[both]
        if positive.all() or not positive.any():
            continue
        now, then = areas(positive, np.stack([found.probabilities[both, column], before[:, column]], axis=1)).auc
        if abs(now - then) > AUC:
            raise ExportError(
                f"the ONNX file, run by {engine}, has an AUC of {now:.6f} for {name} on {len(both)} images, but "
                f"`attnmel evaluate` found {then:.6f}: judge the run again, if its checkpoint or images are not those "
                f"of then. {CURE}"
            )
        largest = max(largest or 0.0, float(abs(now - then)))
    return largest
