"""A data set's name and a recipe -> labelled lesions, their prepared images and what identifies them."""

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from attnmel.data.cache import Cache, open_cache, statistics
from attnmel.data.labels import Dataset, read_dataset
from attnmel.data.loader import Batch, TrainingBatches, evaluation_batches
from attnmel.data.own_folder import TABLE
from attnmel.data.splits import check_classes, check_disjoint, draw_splits
from attnmel.errors import LabelError, listed
from attnmel.folders import replacing
from attnmel.progress import SILENT, Progress
from attnmel.records import ATTRIBUTES, INTERNAL, SPLITS, Lesion, Split, class_index
from attnmel.settings import DataSettings, Recipe, Statistics

ALL = "all"
"""Every image of a data set, whatever its split: how an external set is judged."""


SPLIT_SEED = 0
"""Draws the split of a folder without one."""


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A data set, read, split, cut and cached, as one recipe sees it."""

    dataset: Dataset
    lesions: tuple[Lesion, ...]
    """In the order of the cache's rows."""
    cache: Cache
    classes: tuple[str, ...]

    def rows(self, split: str) -> np.ndarray:
        """Rows of the cache that belong to a split, or all of them.

        Raises:
            LabelError: the data set has no image in that split.
        """
        chosen = [row for row, lesion in enumerate(self.lesions) if split in (lesion.split, ALL)]
        if not chosen:
            counts = Counter(str(lesion.split) for lesion in self.lesions)
            there = ", ".join(f"{count} in {name}" for name, count in counts.items())
            cure = "fetch its files" if self.dataset.states else f"add images, or a column 'split' in its {TABLE}"
            if split == INTERNAL:
                cure = "choose another"
            raise LabelError(f"{self.dataset.name} has no image in the split '{split}' (it has {there}); {cure}")
        return np.array(chosen, dtype=np.int64)

    def labels(self, rows: np.ndarray) -> np.ndarray:
        """Class index of each of the rows."""
        return np.array([class_index(self.lesions[row], self.classes) for row in rows], dtype=np.int64)

    @property
    def groups(self) -> list[str]:
        """Lesion or patient of every row; the image id where it is not known."""
        return [lesion.group or lesion.image_id for lesion in self.lesions]

    def attributes(self, rows: np.ndarray) -> dict[str, tuple[str, ...]]:
        """What is known of the rows beside their diagnosis, "" where it is not; only what is known of at least one."""
        known = [self.lesions[row].attributes for row in rows]
        columns = {name: tuple(told.get(name, "") for told in known) for name in ATTRIBUTES}
        return {name: column for name, column in columns.items() if any(column)}

    def fingerprint(self) -> dict[str, Any]:
        """Return what identifies the data of a run, with what was short of the official archive."""
        return {
            "dataset": self.dataset.name,
            "title": self.dataset.title,
            "licence": self.dataset.licence,
            "content": self.cache.key,
            "labels": self._labels_hash(),
            "archives": [dataclasses.asdict(state) for state in self.dataset.states],
            "splits": {split: self._counts(split) for split in self._splits()},
        }

    def _labels_hash(self) -> str:
        """Return a hash of which image is what, on which side, of which lesion or patient."""
        rows = [[one.image_id, one.diagnosis, one.split, one.group] for one in self.lesions]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()

    def _splits(self) -> tuple[Split, ...]:
        """Return the splits that every data set should have, and the internal one where there is one."""
        has_internal = any(lesion.split == INTERNAL for lesion in self.lesions)
        return (*SPLITS, INTERNAL) if has_internal else SPLITS

    def _counts(self, split: Split) -> dict[str, int]:
        rows = [row for row, lesion in enumerate(self.lesions) if lesion.split == split]
        labels = Counter(self.classes[class_index(self.lesions[row], self.classes)] for row in rows)
        masks = sum(bool(self.cache.has_mask[row]) for row in rows)
        return {"images": len(rows), "lesion masks": masks, **{name: labels[name] for name in self.classes}}


def prepare(data: DataSettings, *, home: Path, name: str | None = None, progress: Progress = SILENT) -> Prepared:
    """Read a data set (the recipe's own, or another by `name`) and open its cache.

    A folder without a split column is split, stratified, one group on one side, and alike for every seed of a
    recipe: seeds are compared on the same images.

    Raises:
        LabelError: images, masks and labels do not fit together, or one image or group stands on two sides.
    """
    dataset = read_dataset(name or data.dataset, home, classes=data.classes)
    lesions = dataset.lesions
    if all(lesion.split is None for lesion in lesions):
        lesions = tuple(draw_splits(lesions, seed=SPLIT_SEED))
    check_disjoint(lesions)
    cache = open_cache(lesions, crop=data.crop, side=data.side, home=home, progress=progress)
    by_id = {lesion.image_id: lesion for lesion in lesions}
    return Prepared(dataset, tuple(by_id[i] for i in cache.image_ids), cache, data.classes)


def with_statistics(recipe: Recipe, prepared: Prepared, progress: Progress = SILENT) -> Recipe:
    """Return the recipe with the normalisation of its data set: published where it carries that, else computed."""
    given = recipe.data.statistics
    if given is not None and given.of == recipe.data.dataset:
        return recipe
    settings = recipe.data.model_copy(update={"statistics": training_statistics(recipe.data, prepared, progress)})
    return recipe.model_copy(update={"data": settings})


def training_statistics(data: DataSettings, prepared: Prepared, progress: Progress = SILENT) -> Statistics:
    """Return mean and spread of the training images, from the cache's folder or computed and stored there."""
    rows = prepared.rows("train")
    ids = "\n".join(prepared.cache.image_ids[row] for row in rows)
    stored = prepared.cache.path / f"statistics-{hashlib.sha256(ids.encode()).hexdigest()[:12]}.json"
    if not stored.is_file():
        progress.note(f"computing the colour statistics of {len(rows)} training images")
        mean, std = statistics(prepared.cache, rows)
        found = {"mean": [round(v, 6) for v in mean], "std": [round(v, 6) for v in std]}
        with replacing(stored) as part:
            part.write_text(json.dumps(found), encoding="utf-8")
    values = json.loads(stored.read_text(encoding="utf-8"))
    return Statistics(
        of=data.dataset,
        mean=values["mean"],
        std=values["std"],
        source=f"computed on the {len(rows)} training images: mean, and mean of the per-image standard deviations",
    )


def check_priors(recipe: Recipe, prepared: Prepared, progress: Progress = SILENT) -> None:
    """Refuse a recipe whose prior the data cannot give; say how many images go without one.

    Raises:
        LabelError: no training image has a mask, or an official data set lacks the masks of some.
    """
    if recipe.loss.prior == "none":
        return
    bare = [prepared.lesions[row].image_id for row in prepared.rows("train") if not prepared.cache.has_mask[row]]
    count = len(prepared.rows("train"))
    if bare and (prepared.dataset.states or len(bare) == count):
        raise LabelError(
            f"{recipe.name} draws attention toward a prior ({recipe.loss.prior}), but {len(bare)} of {count} training "
            f"images have no lesion mask: {listed(bare)}. Fetch the masks, or train with `--set loss.prior=none`."
        )
    if bare:
        progress.note(f"{len(bare)} of {count} training images have no mask; the regulariser leaves them out")


def training_batches(recipe: Recipe, prepared: Prepared, device: torch.device) -> TrainingBatches:
    """Return the over-sampled, augmented batches of the training split.

    Raises:
        LabelError: the split holds a single class, or fewer images than a batch.
    """
    check_classes(prepared.lesions, recipe.data.classes)
    rows, statistics_ = prepared.rows("train"), _statistics(recipe.data)
    return TrainingBatches(
        prepared.cache,
        rows,
        prepared.labels(rows),
        size=recipe.data.size,
        repeats={recipe.data.classes.index(name): times for name, times in recipe.data.repeats.items()},
        passes=recipe.data.passes,
        batch=recipe.training.batch,
        mean=statistics_.mean,
        std=statistics_.std,
        prior=recipe.loss.prior,
        seed=recipe.training.seed,
        device=device,
    )


def split_batches(
    data: DataSettings, prepared: Prepared, rows: np.ndarray, *, batch: int, device: torch.device
) -> Iterator[Batch]:
    """Return the centrally cropped batches of chosen rows, in order."""
    statistics_ = _statistics(data)
    return evaluation_batches(
        prepared.cache,
        rows,
        prepared.labels(rows),
        size=data.size,
        batch=batch,
        mean=statistics_.mean,
        std=statistics_.std,
        device=device,
    )


def _statistics(data: DataSettings) -> Statistics:
    if data.statistics is None:
        raise LabelError("no colour statistics; call with_statistics first")
    return data.statistics
