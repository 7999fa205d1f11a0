"""What an epoch leaves in the run folder: checkpoints, history, and where the run stands."""

import dataclasses

import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule

from attnmel import NOTICE, __version__, runtime
from attnmel.errors import ConfigError
from attnmel.evaluation.predict import predict
from attnmel.folders import RunFolder
from attnmel.models.card import Card
from attnmel.models.checkpoints import save_checkpoint
from attnmel.pipeline.history import HistoryRow, best_row, write_events, write_history
from attnmel.pipeline.prepare import Prepared, split_batches
from attnmel.pipeline.provenance import read_provenance
from attnmel.pipeline.resume import save_standing
from attnmel.records import Predictions
from attnmel.settings import Recipe


@dataclasses.dataclass(frozen=True)
class Keeper:
    """Judges the network of the moment on the validation split and keeps what an epoch leaves behind."""

    recipe: Recipe
    run: RunFolder
    prepared: Prepared
    network: _FabricModule
    optimizer: torch.optim.Optimizer
    fabric: Fabric

    def validate(self) -> Predictions:
        """Predict the validation split with the weights of now, in the precision of the training."""
        device = self.fabric.device
        rows = self.prepared.rows("validation")
        return predict(
            self.network,
            split_batches(self.recipe.data, self.prepared, rows, batch=self.recipe.training.batch, device=device),
            image_ids=self.prepared.cache.image_ids,
            classes=self.recipe.data.classes,
            groups=self.prepared.groups,
            device=device,
            precision=runtime.choose_precision(self.recipe.training.precision, device),
        ).predictions

    def keep(self, history: tuple[HistoryRow, ...]) -> None:
        """Write the checkpoints, then the standing that makes the epoch count as finished, then history and events.

        A stop in between leaves the epoch to be trained again, to the same weights.
        """
        row = history[-1]
        card = _card(self.recipe, self.prepared, row, read_provenance(self.run)["licence"])
        bare = self.network.module
        save_checkpoint(self.run.last, bare, card)
        if best_row(history, self.recipe.training.select) is row:
            save_checkpoint(self.run.best, bare, card)
        save_standing(self.run.resume, bare, self.optimizer, history)
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
