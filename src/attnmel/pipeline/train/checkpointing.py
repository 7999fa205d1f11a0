"""What an epoch leaves in the run folder: checkpoints, history, and where the run stands."""

import dataclasses
import math
from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule
from torch import Tensor

from attnmel import NOTICE, __version__, runtime
from attnmel.config.recipe import Recipe
from attnmel.errors import ConfigError
from attnmel.evaluation.predict import predict
from attnmel.folders import RunFolder
from attnmel.models.weights.card import Card
from attnmel.models.weights.checkpoints import save_weights
from attnmel.pipeline.run.dataset import Prepared, split_batches
from attnmel.pipeline.run.history import HistoryRow, best_row, write_events, write_history
from attnmel.pipeline.run.provenance import read_provenance
from attnmel.pipeline.run.training_state import copied, training_tensors, weights_of, write_training_state
from attnmel.pipeline.train.background_writer import BackgroundWriter
from attnmel.pipeline.train.frozen_maps import RunMaps
from attnmel.records import Predictions


@dataclasses.dataclass(frozen=True)
class CheckpointWriter:
    """Judges the network of the moment on the validation split and keeps what an epoch leaves behind."""

    recipe: Recipe
    run: RunFolder
    prepared: Prepared
    network: _FabricModule
    optimizer: torch.optim.Optimizer
    fabric: Fabric
    beside: BackgroundWriter
    maps: RunMaps | None = None
    """Of a frozen trunk."""

    def validate(self) -> Predictions:
        """Predict the validation split with the weights of now, in the precision of the training.

        Each process predicts its share of the images, and every one gets the predictions of all.
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
            maps=self.maps and self.maps.judged["validation"],
        )
        # A network that is compiled for the steps would be compiled once more for these few batches.
        with torch.compiler.set_stance("force_eager"):
            mine = predict(
                self.network,
                batches,
                image_ids=self.prepared.cache.image_ids,
                classes=self.recipe.data.classes,
                device=device,
                precision=runtime.choose_precision(self.recipe.training.precision, device),
            ).predictions
        # Each fills in its own and adds up what all have: nothing is rounded, since the others hold zeros there.
        everyones = torch.zeros(*dealt.shape, len(mine.classes), dtype=torch.float64)
        everyones[:, self.fabric.global_rank] = torch.from_numpy(mine.probabilities)
        everyones = torch.as_tensor(self.fabric.all_reduce(everyones, reduce_op="sum"))
        groups = self.prepared.groups
        return Predictions(
            image_ids=tuple(self.prepared.cache.image_ids[row] for row in rows),
            classes=mine.classes,
            probabilities=everyones.flatten(0, 1)[: len(rows)].cpu().numpy(),
            labels=self.prepared.labels(rows),
            groups=tuple(groups[row] for row in rows),
        )

    def keep(self, history: tuple[HistoryRow, ...]) -> None:
        """Write what the epoch leaves; a GPU trains on meanwhile.

        Its epochs may take no longer than the writing. On the CPU they take minutes, and nothing is copied, so that it
        waits, and learns of a full disk at once.
        """
        tensors, waits = training_tensors(self.network.module, self.optimizer), self.fabric.device.type == "cpu"
        self.beside.hand_over(partial(self._write, tensors if waits else copied(tensors), history))
        if waits:
            self.beside.wait()

    def _write(self, tensors: Mapping[str, Tensor], history: tuple[HistoryRow, ...]) -> None:
        """Write the checkpoints, then the standing that makes the epoch count as finished, then history and events.

        A stop in between leaves the epoch to be trained again, to the same weights.
        """
        row, weights = history[-1], weights_of(tensors)
        card = _card(self.recipe, self.prepared, row, read_provenance(self.run)["licence"])
        save_weights(self.run.last, weights, card)
        if best_row(history, self.recipe.training.select) is row:
            save_weights(self.run.best, weights, card)
        write_training_state(self.run.resume, tensors, history)
        write_history(self.run.history, history)
        write_events(self.run.events, row)


def _card(recipe: Recipe, prepared: Prepared, row: HistoryRow, licence: str) -> Card:
    data, statistics = recipe.data, recipe.data.statistics
    if statistics is None:
        raise ConfigError("a checkpoint needs the colour statistics of its recipe")
    return Card(
        network=recipe.model.network,
        trunk=recipe.model.trunk,
        width=recipe.model.width,
        padding=recipe.model.padding,
        attention=recipe.model.attention,
        classes=data.classes,
        positives=data.positives,
        size=data.size,
        side=data.side,
        crop=data.crop,
        mean=statistics.mean,
        std=statistics.std,
        epoch=row.epoch,
        measures={
            "validation_auc": row.validation_auc,
            "validation_ap": row.validation_ap,
            "validation_balanced_accuracy": row.validation_balanced_accuracy,
        },
        recipe=recipe.name,
        data=prepared.fingerprint(),
        licence=licence,
        notice=NOTICE,
        version=__version__,
        seed=recipe.training.seed,
    )
