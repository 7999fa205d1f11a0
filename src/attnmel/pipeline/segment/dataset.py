"""Pairs of image and true mask -> the training and held-out images of a segmenter, and batches of both."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from attnmel.config.segmenter import SegmenterRecipe
from attnmel.data.batches.loader import Batch, TrainingBatches, evaluation_batches
from attnmel.data.batches.maker import BatchMaker
from attnmel.data.datasets.read_dataset import Dataset, read_dataset
from attnmel.data.datasets.splits import draw_splits
from attnmel.data.preprocess.cache import Cache, channel_statistics, open_cache
from attnmel.data.priors.kinds import NO_PRIOR
from attnmel.errors import LabelError, counted
from attnmel.files.checksums import json_sha256
from attnmel.progress import SILENT, Progress
from attnmel.records import Lesion

FITTED, CHOOSING = "train", "validation"
"""Splits that the pairs are drawn into: fitted to, and held out to choose the epoch."""


@dataclasses.dataclass(frozen=True)
class Pairs:
    """The training images of a data set that have a mask, whole frames in the cache, drawn into two splits."""

    recipe: SegmenterRecipe
    dataset: Dataset
    lesions: tuple[Lesion, ...]
    """In the order of the cache's rows, with the split that was drawn."""
    cache: Cache
    mean: tuple[float, float, float]
    """Of RGB in [0, 1], over the images of the split `FITTED`."""
    std: tuple[float, float, float]

    def rows(self, split: str) -> np.ndarray:
        """Rows of the cache that belong to a split."""
        return np.array([row for row, lesion in enumerate(self.lesions) if lesion.split == split], dtype=np.int64)

    def training_batches(self, device: torch.device) -> TrainingBatches:
        """Return shuffled batches, turned and flipped, whole frames; a batch's prior is the mask.

        Raises:
            LabelError: fewer images than a batch.
        """
        settings, maker = self.recipe.training, self._maker(self.rows(FITTED), device, prior="lesion")
        return TrainingBatches(
            maker, size=self.cache.side, repeats={}, passes=1, batch=settings.batch, seed=settings.seed
        )

    def batches(self, rows: np.ndarray, device: torch.device) -> Iterator[Batch]:
        """Return the images of chosen rows in order, neither turned nor flipped, without masks."""
        maker = self._maker(rows, device)
        return evaluation_batches(maker, size=self.cache.side, batch=self.recipe.training.batch)

    def _maker(self, rows: np.ndarray, device: torch.device, prior: str = NO_PRIOR) -> BatchMaker:
        labels = np.zeros_like(rows)
        return BatchMaker(self.cache, rows, labels, mean=self.mean, std=self.std, prior=prior, device=device)

    def fingerprint(self) -> dict[str, Any]:
        """Return the fingerprint of a run's data."""
        return {
            "dataset": self.dataset.name,
            "title": self.dataset.title,
            "licence": self.dataset.licence,
            "content": self.cache.key,
            "labels": json_sha256([[lesion.image_id, lesion.split, lesion.group] for lesion in self.lesions]),
            "archives": [dataclasses.asdict(state) for state in self.dataset.states],
            "splits": {split: len(self.rows(split)) for split in (FITTED, CHOOSING)},
        }


def prepare_pairs(recipe: SegmenterRecipe, *, home: Path, progress: Progress = SILENT) -> Pairs:
    """Read the training images with masks, draw those that are held out by the seed, and open their cache.

    Images of one group (lesion, patient) are held out together, where the data set knows groups.

    Raises:
        LabelError: fewer than two training images have a mask, or all on one side are of one lesion or patient.
        ImageError: names the images and masks that cannot be used.
    """
    dataset = read_dataset(recipe.data.dataset, home)
    training = [lesion for lesion in dataset.lesions if lesion.split in (None, FITTED)]
    masked = [lesion for lesion in training if lesion.mask is not None]
    if len(masked) < 2:
        raise LabelError(
            f"{len(masked)} of {len(training)} training images of {dataset.name} have a lesion mask; a segmenter "
            "needs them: fetch the masks, or choose another data set by --set data.dataset=NAME"
        )
    if len(masked) < len(training):
        progress.note(f"{len(training) - len(masked)} of {len(training)} images have no mask and are left out")
    share = recipe.data.held_out
    drawn = draw_splits(masked, seed=recipe.training.seed, shares={FITTED: 1 - share, CHOOSING: share})
    _check_sides(drawn)
    cache = open_cache(drawn, crop=None, side=recipe.data.size, home=home, progress=progress)
    by_id = {lesion.image_id: lesion for lesion in drawn}
    lesions = tuple(by_id[image_id] for image_id in cache.image_ids)
    fitted = np.array([row for row, lesion in enumerate(lesions) if lesion.split == FITTED], dtype=np.int64)
    mean, std = channel_statistics(cache, fitted)
    return Pairs(recipe, dataset, lesions, cache, mean, std)


def _check_sides(drawn: Sequence[Lesion]) -> None:
    counts = Counter(lesion.split for lesion in drawn)
    if missing := [split for split in (FITTED, CHOOSING) if not counts[split]]:
        groups = len({lesion.group or lesion.image_id for lesion in drawn})
        of = counted(groups, "lesion or patient", "lesions or patients")
        raise LabelError(
            f"the {len(drawn)} training images with a lesion mask are of {of}, and none is left for {missing[0]}; "
            "expected several on each side: add images of others, or leave the group empty "
            "where the patient is not known"
        )
