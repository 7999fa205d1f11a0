"""A run and a split -> its network, the images of the split, and the predictions of them."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, Integer
from torch import Tensor, nn

from attnmel.compute import runtime
from attnmel.config.recipe import DataSettings
from attnmel.data.datasets.splits import draw_some
from attnmel.errors import ConfigError
from attnmel.evaluation.calibration.temperature import at_temperature
from attnmel.evaluation.predict import predict_batches
from attnmel.models.weights.checkpoints import Card
from attnmel.pipeline.run.images.dataset import Prepared, split_batches
from attnmel.pipeline.run.run import Run
from attnmel.records import Predictions
from attnmel.saliency.methods.registry import SLOW, maps_of

BATCH = 16
"""Images a forward pass; no map depends on it."""

Predict = Callable[[Prepared, Integer[np.ndarray, " N"]], Predictions]
"""Rows of a data set to predictions, without the temperature."""


@dataclass(frozen=True)
class SplitModel:
    """A run's network and the images of one split, with the predictions of them."""

    name: str
    """Recipe and seed."""
    run: Run
    split: str
    rows: Integer[np.ndarray, " N"]
    """Of the image cache."""
    network: nn.Module
    card: Card
    device: torch.device
    predictions: Predictions
    seconds: float
    """That the forward pass of one image took."""

    @property
    def data(self) -> DataSettings:
        """How the images are prepared."""
        return self.run.recipe.data

    @property
    def prepared(self) -> Prepared:
        """The run's data set."""
        return self.run.dataset

    @property
    def target_class(self) -> str:
        """The class whose probability is shown."""
        return self.card.positives[0]

    @property
    def called(self) -> Int[Tensor, " N"]:
        """The predicted class of each image, which its maps explain."""
        return torch.from_numpy(self.predictions.probabilities.argmax(axis=1)).to(self.device)

    def batches(
        self, places: Int[np.ndarray, " n"]
    ) -> Iterator[tuple[Int[np.ndarray, " B"], Float[Tensor, "B 3 s s"]]]:
        """Give some of the images, with their places, batch by batch, as the network's input."""
        batches = split_batches(self.data, self.prepared, self.rows[places], batch=BATCH, device=self.device)
        for start, batch in zip(range(0, len(places), BATCH), batches, strict=True):
            yield places[start : start + BATCH], batch.images

    def some(self, limit: int) -> Int[np.ndarray, " n"]:
        """Return the places of that many images, each class by its share; the same ones for every run and method."""
        ids = self.predictions.image_ids
        drawn = draw_some({ids[at]: str(label) for at, label in enumerate(self.predictions.labels.tolist())}, limit)
        return np.array([at for at, image_id in enumerate(ids) if image_id in drawn], dtype=np.int64)

    def refusals(self, methods: Sequence[str]) -> dict[str, ConfigError]:
        """Return the methods that the network has no map for, and why: each but the slow is tried on one image."""
        _, image = next(self.batches(np.arange(1)))
        refused: dict[str, ConfigError] = {}
        for name in methods:
            if name in SLOW:
                continue
            try:
                maps_of(self.network, image, self.called[:1], [name])
            except ConfigError as error:
                refused[name] = error
        return refused


def open_split(run: Run, split: str, *, predict: Predict | None = None, passes: int = 1) -> SplitModel:
    """Open a run's best checkpoint and a split of its data, and predict the split by the first square of each image.

    `predict` is another way to predict, of so many `passes` an image.

    Raises:
        ConfigError: no run folder, or that of a fitted system.
        CheckpointError: the run has no usable best checkpoint.
        LabelError: the data set has no such split, or is not the one that the run was trained on.
    """
    data = run.network_recipe.data
    network, card = run.checkpoint
    prepared = run.same_dataset()
    rows, device = prepared.rows(split), runtime.choose_device()
    started = time.monotonic()
    if predict is None:
        batches = split_batches(data, prepared, rows, batch=BATCH, device=device)
        predicted = predict_batches(
            network,
            batches,
            image_ids=prepared.cache.image_ids,
            classes=card.classes,
            groups=prepared.groups,
            device=device,
            total=len(rows),
            progress=run.progress,
        ).predictions
    else:
        predicted = predict(prepared, rows)
    seconds = (time.monotonic() - started) / (len(rows) * passes)
    name = f"{card.recipe}, seed {card.seed}"
    found = at_temperature(predicted, card.temperature)
    return SplitModel(name, run, split, rows, network, card, device, found, seconds)
