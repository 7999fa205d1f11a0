"""One network and batches -> class probabilities and attention maps, with image ids."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from attnmel.compute import runtime
from attnmel.data.batches.loader import Batch
from attnmel.models.output import predict_batch
from attnmel.progress import SILENT, Progress
from attnmel.records import Predictions


class PredictionsWithMaps(NamedTuple):
    """The predictions of a network for images, and their attention maps; row by row the same images."""

    predictions: Predictions
    attention: tuple[Float[np.ndarray, "N h w"], ...]
    """Maps in [0, 1], pool-3 first; empty for a network without gates."""
    without_lesion: int = 0
    """Images in which a network whose polar grid follows the lesion found none."""


def predict_batches(
    network: nn.Module,
    batches: Iterable[Batch],
    *,
    image_ids: Sequence[str],
    classes: Sequence[str],
    groups: Sequence[str] = (),
    device: torch.device,
    precision: runtime.ComputePrecision = "float32",
    total: int | None = None,
    further: int = 0,
    progress: Progress = SILENT,
) -> PredictionsWithMaps:
    """Predict every image of the batches, `total` in all and `further` later ones.

    `image_ids` and `groups` are looked up by `Batch.rows`.

    The network is put in evaluation mode and stays so.
    """
    network.eval()
    rows: list[int] = []
    labels: list[int] = []
    probabilities: list[np.ndarray] = []
    attention: list[tuple[np.ndarray, ...]] = []
    without_lesion = 0
    with progress.bar("predicting", total, "images", further=further) as advance:
        for batch in batches:
            with runtime.autocast(device, precision):
                found = predict_batch(network, batch.inputs)
            probabilities.append(found.probabilities)
            attention.append(found.attention)
            without_lesion += found.without_lesion
            rows += batch.rows.tolist()
            labels += batch.labels.tolist()
            advance(len(batch.labels))
    predictions = Predictions(
        image_ids=tuple(image_ids[row] for row in rows),
        classes=tuple(classes),
        probabilities=np.concatenate(probabilities),
        labels=np.array(labels, dtype=np.int64),
        groups=tuple((groups or image_ids)[row] for row in rows),
    )
    maps = tuple(np.concatenate(of_pool) for of_pool in zip(*attention, strict=True))
    return PredictionsWithMaps(predictions, maps, without_lesion)
