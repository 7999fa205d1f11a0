"""The training of a classifier, epoch by epoch: evaluated on the validation split, saved with its card."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule
from torch import Tensor

from attnmel.compute import runtime
from attnmel.config.recipe import Recipe
from attnmel.errors import ConfigError, TrainingError
from attnmel.evaluation.predict import predict_batches
from attnmel.files.folders import RunFolder
from attnmel.models.weights.age_sex_prior import AgeSexPrior
from attnmel.models.weights.card import Card, data_settings, network_settings
from attnmel.models.weights.checkpoints import save_weights
from attnmel.pipeline.run.images.age_and_sex import score_prior
from attnmel.pipeline.run.images.dataset import Prepared, split_batches
from attnmel.pipeline.run.images.normalisation import training_colours
from attnmel.pipeline.run.provenance import read_provenance
from attnmel.pipeline.run.training.history import HistoryRow, best_row
from attnmel.pipeline.train.frozen_maps import RunMaps
from attnmel.records import ColourStatistics, Predictions
from attnmel.training.loop import LOWER_RATE, EpochLoss


@dataclass(frozen=True)
class ClassifierTask:
    """A classifier in training."""

    recipe: Recipe
    prepared: Prepared
    network: _FabricModule
    fabric: Fabric
    run: RunFolder
    maps: RunMaps | None = None
    """Of a frozen trunk."""

    def evaluate(self, trained: EpochLoss, *, images_per_second: float, elapsed: Callable[[], float]) -> HistoryRow:
        """Evaluate the validation split and return the epoch's row.

        Raises:
            TrainingError: probabilities that are not finite, as of scores that overflow.
        """
        validation = self.validate()
        if wrong := int((~np.isfinite(validation.probabilities)).any(axis=1).sum()):
            raise TrainingError(
                f"after epoch {trained.number + 1} the probabilities of {wrong} of {len(validation.labels)} validation "
                f"images are not finite. Checkpoints of finished epochs are kept; {LOWER_RATE}."
            )
        return HistoryRow.of(
            trained.number + 1,
            trained.loss,
            validation,
            self.recipe.data.positives,
            learning_rate=trained.learning_rate,
            seconds=elapsed(),
            images_per_second=images_per_second,
        )

    def best(self, history: Sequence[HistoryRow]) -> HistoryRow | None:
        """Return the best epoch by the recipe's validation measure."""
        return best_row(history, self.recipe.training.select)

    def save(self, path: Path, weights: Mapping[str, Tensor], row: HistoryRow) -> None:
        """Write a checkpoint of the weights after an epoch."""
        save_weights(path, weights, self._card(row))

    def validate(self) -> Predictions:
        """Predict the validation split with the current weights, in the precision of the training.

        Each process predicts its share of the images, and every process gets the predictions of all.
        """
        device, world = self.fabric.device, self.fabric.world_size
        rows = self.prepared.rows("validation")
        # Dealt like cards, as many to each process: where they run out, the first ones are predicted once more.
        dealt = np.resize(rows, (math.ceil(len(rows) / world), world))
        batches = split_batches(
            self.recipe.data,
            self.prepared,
            dealt[:, self.fabric.global_rank],
            batch=self.recipe.training.batch // world,
            device=device,
            maps=self.maps and self.maps.evaluated["validation"],
        )
        # A network that is compiled for the steps would be compiled once more for these few batches.
        with torch.compiler.set_stance("force_eager"):
            mine = predict_batches(
                self.network,
                batches,
                image_ids=self.prepared.cache.image_ids,
                classes=self.recipe.data.classes,
                device=device,
                precision=runtime.choose_precision(self.recipe.training.precision, device),
            ).predictions
        # Each process fills in its own rows, and all are summed: nothing is rounded, since the other rows are zeros.
        everyones = torch.zeros(*dealt.shape, len(mine.classes), dtype=torch.float64)
        everyones[:, self.fabric.global_rank] = torch.from_numpy(mine.probabilities)
        everyones = torch.as_tensor(self.fabric.all_reduce(everyones, reduce_op="sum"))
        return self.prepared.predictions(rows, everyones.flatten(0, 1)[: len(rows)].cpu().numpy())

    @cached_property
    def _colours(self) -> ColourStatistics | None:
        return training_colours(self.recipe.data, self.prepared)

    @cached_property
    def _age_sex_prior(self) -> AgeSexPrior | None:
        return score_prior(self.recipe.test.prior, self.prepared, self.recipe.training.seed)

    def _card(self, row: HistoryRow) -> Card:
        data, model, statistics = self.recipe.data, self.recipe.model, self.recipe.data.statistics
        if statistics is None:
            raise ConfigError("a checkpoint needs the colour statistics of its recipe")
        return Card(
            network=model.network,
            **network_settings(model),
            **data_settings(data),
            colours=self._colours,
            transforms=self.recipe.test.transforms,
            age_sex_prior=self._age_sex_prior,
            mean=statistics.mean,
            std=statistics.std,
            epoch=row.epoch,
            measures={
                "validation_auc": row.validation_auc,
                "validation_ap": row.validation_ap,
                "validation_balanced_accuracy": row.validation_balanced_accuracy,
            },
            recipe=self.recipe.name,
            data=self.prepared.fingerprint(),
            licence=read_provenance(self.run)["licence"],
            seed=self.recipe.training.seed,
        )
