"""A segmenter's recipe -> a run folder: recipe, provenance, history, checkpoints, measures, training images."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule
from torch import Tensor

from attnmel import NOTICE
from attnmel.compute import runtime
from attnmel.config.load import load_segmenter_recipe
from attnmel.config.segmenter import SegmenterRecipe
from attnmel.errors import ConfigError
from attnmel.evaluation.challenge.masks import grey_mask, mask_pixels
from attnmel.evaluation.masks.agreement import MEASURES, mean_overlaps, overlaps
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.files.folders import RunFolder
from attnmel.files.locks import hold_folder
from attnmel.files.own_files import require_only
from attnmel.files.table_files import write_json
from attnmel.models.segmenter import (
    THRESHOLD,
    SegmenterCard,
    build_segmenter,
    load_segmenter,
    save_segmenter,
    segmentation_loss,
)
from attnmel.models.weights.start_weights import Start
from attnmel.pipeline.run.images.seen_images import known_images, write_images
from attnmel.pipeline.run.provenance import (
    add_resumed,
    begun_precision,
    read_provenance,
    refuse_other_data,
    refuse_other_settings,
    write_start,
)
from attnmel.pipeline.run.stored_paths import stored_dataset
from attnmel.pipeline.run.training.history import SegmenterRow, best_segmenter_row
from attnmel.pipeline.run.training.training_state import load_training_state
from attnmel.pipeline.segment.dataset import CHOOSING, Pairs, prepare_pairs
from attnmel.pipeline.segment.image_masks import drawn_images
from attnmel.pipeline.train.epochs import Epochs
from attnmel.pipeline.train.setup import launched_fabric, wrap
from attnmel.progress import SILENT, Progress
from attnmel.training.loop import EpochLoss
from attnmel.training.objectives import MaskObjective
from attnmel.training.schedules import WarmUpCosine

WARM_UP = 0.05
"""Share of all steps over which the rate rises: in its first steps AdamW does not know the size of the gradients."""


@dataclass(frozen=True)
class TrainedSegmenter:
    """A finished segmenter: its best epoch and its agreement with the held-out masks in the images' own size."""

    run: RunFolder
    epoch: int
    images: int
    figures: dict[str, Interval]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        figures = {name: interval._asdict() for name, interval in self.figures.items()}
        return {"notice": NOTICE, "epoch": self.epoch, "split": CHOOSING, "images": self.images, "figures": figures}


def train_segmenter(
    recipe: SegmenterRecipe,
    run: RunFolder,
    *,
    home: Path,
    resume: bool = False,
    command: str = "",
    progress: Progress = SILENT,
) -> TrainedSegmenter:
    """Train a segmenter into a run folder and measure its best epoch on the held-out images.

    The best epoch has the highest mean threshold Jaccard in the prepared size; it is measured in the images' own size.
    With `resume` a run that was stopped goes on after its last finished epoch; a finished one is measured again.

    Raises:
        ConfigError: the folder holds a run already, or one of another recipe; MONAI is not installed.
        LabelError: too few images have a mask, or they are not those that the run began with.
        ImageError: names the images and masks that cannot be used.
        TrainingError: the loss is no longer finite; finished epochs are kept.
        BusyError: another command writes into the folder.
    """
    if not run.recipe.is_file():
        require_only(run.path, run.names, "a run")
    with hold_folder(run.path):
        if run.recipe.is_file() and not resume:
            raise ConfigError(f"{run.path} already holds a run; continue it with --resume, or choose another --out")
        recipe = begun_precision(recipe, run, progress)
        fabric = launched_fabric(recipe.training)
        recipe = _settled(recipe, fabric)
        pairs = prepare_pairs(recipe, home=home, progress=progress)
        _train(pairs, run, fabric, home=home, command=command, progress=progress)
        return _measure(run, pairs, fabric.device, progress)


def _settled(recipe: SegmenterRecipe, fabric: Fabric) -> SegmenterRecipe:
    """Resolve settings that depend on this machine or folder, so that the stored recipe means the same elsewhere."""
    dataset = stored_dataset(recipe.data.dataset)
    precision = runtime.choose_precision(recipe.training.precision, fabric.device)
    return recipe.model_copy(
        update={
            "data": recipe.data.model_copy(update={"dataset": dataset}),
            "training": recipe.training.model_copy(update={"precision": precision}),
        }
    )


def _train(pairs: Pairs, run: RunFolder, fabric: Fabric, *, home: Path, command: str, progress: Progress) -> None:
    model, settings = pairs.recipe.model, pairs.recipe.training
    runtime.seed_everything(settings.seed)
    network = build_segmenter(model.channels, model.residual_units, model.norm)
    network, optimizer = wrap(
        network, torch.optim.AdamW(network.parameters(), weight_decay=settings.weight_decay), fabric
    )
    history: tuple[SegmenterRow, ...] = ()
    if run.recipe.is_file():
        refuse_other_settings(run, load_segmenter_recipe(run.recipe), pairs.recipe)
        refuse_other_data(run, read_provenance(run), pairs.fingerprint(), pairs.dataset.name)
    if run.resume.is_file():
        history = load_training_state(run.resume, network, optimizer, SegmenterRow)
        add_resumed(run, pairs.recipe, device=fabric.device, processes=1, epoch=len(history))
    else:
        start = Start("random weights")
        write_images(run, known_images(pairs.lesions, home), pairs.dataset.licence)
        data = pairs.fingerprint()
        write_start(run, pairs.recipe, data, device=fabric.device, processes=1, command=command, start=start)
    task = SegmenterTask(pairs, network, fabric.device, run)
    Epochs(run, task, network, optimizer, fabric).train(
        pairs.training_batches(fabric.device),
        history,
        settings,
        objective=MaskObjective(segmentation_loss()),
        schedule=WarmUpCosine(epochs=settings.epochs, learning_rate=settings.learning_rate, warm_up=WARM_UP),
        image_ids=pairs.cache.image_ids,
        progress=progress,
    )


def _measure(run: RunFolder, pairs: Pairs, device: torch.device, progress: Progress) -> TrainedSegmenter:
    """Measure the best epoch on the held-out images in their own size, and write the measures."""
    network, card = load_segmenter(run.best)
    held_out = [lesion for lesion in pairs.lesions if lesion.split == CHOOSING]
    drawn = drawn_images(
        network.to(device),
        card,
        [(lesion.image_id, lesion.image) for lesion in held_out],
        batch=pairs.recipe.training.batch,
        device=device,
    )
    pixels = []
    with progress.bar("measuring", len(held_out), "images") as advance:
        for lesion, one in zip(held_out, drawn, strict=True):
            if lesion.mask is not None:
                truth, _ = grey_mask(lesion.mask)
                pixels.append(mask_pixels(one.mask(card.threshold).astype(np.uint8) * 255, truth))
            advance(1)
    groups = [lesion.group or lesion.image_id for lesion in held_out]
    trained = TrainedSegmenter(run, card.epoch, len(held_out), mean_overlaps(np.stack(pixels), groups))
    write_json(run.measures, trained.as_dict())
    return trained


@dataclass(frozen=True)
class SegmenterTask:
    """A segmenter in training."""

    pairs: Pairs
    network: _FabricModule
    device: torch.device
    run: RunFolder

    def evaluate(self, trained: EpochLoss, *, images_per_second: float, elapsed: Callable[[], float]) -> SegmenterRow:
        """Evaluate the held-out images and return the epoch's row."""
        found = self.held_out_overlaps()
        return SegmenterRow(
            epoch=trained.number + 1,
            learning_rate=trained.learning_rate,
            loss=trained.loss.total,
            seconds=round(elapsed(), 3),
            images_per_second=round(images_per_second, 2),
            **found,
        )

    def best(self, history: Sequence[SegmenterRow]) -> SegmenterRow | None:
        """Return the best epoch by threshold Jaccard."""
        return best_segmenter_row(history)

    def save(self, path: Path, weights: Mapping[str, Tensor], row: SegmenterRow) -> None:
        """Write a checkpoint of the weights after an epoch."""
        save_segmenter(path, weights, self._card(row))

    @torch.inference_mode()
    def held_out_overlaps(self) -> dict[str, float]:
        """Return the mean overlaps with the held-out masks in the prepared size, in the precision of the training."""
        self.network.eval()
        pixels = []
        for batch in self.pairs.batches(self.pairs.rows(CHOOSING), self.device):
            logits = self.network(batch.images)
            masks = (logits[:, 0].float().sigmoid() > THRESHOLD).cpu().numpy().astype(np.uint8) * 255
            truth = self.pairs.cache.gather(batch.rows.cpu().numpy())[..., 3]
            pixels += [mask_pixels(mask, true) for mask, true in zip(masks, truth, strict=True)]
        found = overlaps(np.stack(pixels))
        return {name: float(found[name].mean()) for name in MEASURES}

    def _card(self, row: SegmenterRow) -> SegmenterCard:
        recipe = self.pairs.recipe
        return SegmenterCard(
            channels=recipe.model.channels,
            residual_units=recipe.model.residual_units,
            norm=recipe.model.norm,
            size=recipe.data.size,
            mean=self.pairs.mean,
            std=self.pairs.std,
            threshold=THRESHOLD,
            epoch=row.epoch,
            measures={name: getattr(row, name) for name in MEASURES},
            data=self.pairs.fingerprint(),
            licence=read_provenance(self.run)["licence"],
            seed=recipe.training.seed,
        )
