"""What an epoch of a segmenter leaves behind, and what the best one is worth on the held-out images."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from attnmel import NOTICE, runtime
from attnmel.evaluation.challenge.masks import grey_mask, mask_pixels
from attnmel.evaluation.masks.agreement import MEASURES, agreement, overlaps
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.folders import RunFolder, replacing
from attnmel.models.segmenter import THRESHOLD, SegmenterCard, load_segmenter, save_segmenter
from attnmel.pipeline.run.history import SegmenterRow, best_epoch, write_rows
from attnmel.pipeline.run.provenance import read_provenance
from attnmel.pipeline.run.training_state import save_training_state
from attnmel.pipeline.segment.dataset import CHOOSING, Pairs
from attnmel.pipeline.segment.image_masks import drawn_images
from attnmel.progress import Progress


@dataclass(frozen=True)
class Trained:
    """A finished segmenter: its best epoch and how it agrees with the held-out masks in the images' own size."""

    run: RunFolder
    epoch: int
    images: int
    figures: dict[str, Interval]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        figures = {name: interval._asdict() for name, interval in self.figures.items()}
        return {"notice": NOTICE, "epoch": self.epoch, "split": CHOOSING, "images": self.images, "figures": figures}


@torch.inference_mode()
def held_out_overlaps(pairs: Pairs, network: nn.Module, device: torch.device) -> dict[str, float]:
    """Return the mean overlaps with the held-out masks in the prepared size, in the precision of the training."""
    network.eval()
    rows, pixels = pairs.rows(CHOOSING), []
    precision = runtime.choose_precision(pairs.recipe.training.precision, device)
    for batch in pairs.batches(rows, device):
        with runtime.autocast(device, precision):
            logits = network(batch.images)
        marked = (logits[:, 0].float().sigmoid() > THRESHOLD).cpu().numpy().astype(np.uint8) * 255
        truth = pairs.cache.gather(batch.rows.cpu().numpy())[..., 3]
        pixels += [mask_pixels(mine, true) for mine, true in zip(marked, truth, strict=True)]
    found = overlaps(np.stack(pixels))
    return {name: float(found[name].mean()) for name in MEASURES}


def keep_epoch(
    run: RunFolder,
    pairs: Pairs,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    history: tuple[SegmenterRow, ...],
) -> None:
    """Write the best checkpoint, then the standing that makes the epoch count as finished, then the history."""
    row = history[-1]
    if best_epoch(history) is row:
        save_segmenter(run.best, network, _card(pairs, row, read_provenance(run)["licence"]))
    save_training_state(run.resume, network, optimizer, history)
    write_rows(run.history, SegmenterRow, history)


def _card(pairs: Pairs, row: SegmenterRow, licence: str) -> SegmenterCard:
    model = pairs.recipe.model
    return SegmenterCard(
        channels=model.channels,
        residual_units=model.residual_units,
        norm=model.norm,
        size=pairs.recipe.data.size,
        mean=pairs.mean,
        std=pairs.std,
        threshold=THRESHOLD,
        epoch=row.epoch,
        measures={name: getattr(row, name) for name in MEASURES},
        data=pairs.fingerprint(),
        licence=licence,
        seed=pairs.recipe.training.seed,
    )


def measured(run: RunFolder, pairs: Pairs, device: torch.device, progress: Progress) -> Trained:
    """Measure the best epoch on the held-out images in their own size, and write it down."""
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
    trained = Trained(run, card.epoch, len(held_out), agreement(np.stack(pixels), groups))
    with replacing(run.measures) as part:
        part.write_text(json.dumps(trained.as_dict(), indent=2), encoding="utf-8")
    return trained
