"""The training of a segmenter, epoch by epoch: evaluated on the held-out images, saved with its card."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from lightning_fabric.wrappers import _FabricModule
from torch import Tensor

from attnmel.evaluation.challenge.masks import mask_pixels
from attnmel.evaluation.masks.agreement import MEASURES, overlaps
from attnmel.files.folders import RunFolder
from attnmel.models.segmenter import THRESHOLD, SegmenterCard, save_segmenter
from attnmel.pipeline.run.provenance import read_provenance
from attnmel.pipeline.run.training.history import SegmenterRow, best_segmenter_row
from attnmel.pipeline.segment.dataset import CHOOSING, Pairs
from attnmel.training.loop import EpochLoss


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
