"""A data set's name and a recipe -> labelled lesions, their prepared images and their fingerprint."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from attnmel.config.fields import fold_numbers
from attnmel.config.recipe import Recipe
from attnmel.config.settings.data import DataSettings, Statistics
from attnmel.data.batches.ablate import NO_ABLATION, PAINTED, SHUFFLED_LABELS, painter, shuffled
from attnmel.data.batches.loader import Batch, TrainingBatches, evaluation_batches
from attnmel.data.batches.maker import BatchMaker
from attnmel.data.batches.scale_and_colour import WarpRange
from attnmel.data.batches.stored_maps import StoredMaps
from attnmel.data.batches.stored_views import Views
from attnmel.data.datasets.own.folder import TABLE, TableReading
from attnmel.data.datasets.read_dataset import Dataset, read_dataset
from attnmel.data.datasets.splits import (
    check_classes,
    check_disjoint,
    draw_some,
    fold_sentence,
    limit_sentence,
    with_splits,
)
from attnmel.data.preprocess.cache import Cache
from attnmel.data.preprocess.images import central_crop
from attnmel.data.priors.cache import Planes
from attnmel.data.priors.kinds import NO_PRIOR
from attnmel.errors import LabelError
from attnmel.files.checksums import json_sha256
from attnmel.pipeline.run.images.crops import open_crop
from attnmel.pipeline.run.images.image_notes import note_images
from attnmel.pipeline.run.images.left_out import ALL, refuse_unknown_ids, without_class
from attnmel.progress import SILENT, Progress
from attnmel.records import ATTRIBUTES, INTERNAL, SPLITS, Lesion, Predictions, Split, class_index


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A data set, read, split, cropped and cached for one recipe."""

    dataset: Dataset
    lesions: tuple[Lesion, ...]
    """In the order of the cache's rows."""
    cache: Cache
    classes: tuple[str, ...]
    ablation: str = NO_ABLATION
    """One that paints uses only images with a lesion mask."""
    excluded: frozenset[str] = frozenset()
    """Ids that the recipe leaves out of every split."""
    beyond: frozenset[str] = frozenset()
    """Ids of the training images beyond the recipe's limit."""
    unclassed: frozenset[str] = frozenset()
    """Ids of images that are left out since their diagnosis is none of the classes."""

    def rows(self, split: str) -> np.ndarray:
        """Rows of the cache that belong to a split, or all of them, without those left out.

        Raises:
            LabelError: the data set has no image in that split, or none that is not excluded, or none with the mask
                that the ablation needs.
        """
        within = [row for row, lesion in enumerate(self.lesions) if split in (lesion.split, ALL)]
        if within and all(self.lesions[row].image_id in self.excluded for row in within):
            raise LabelError(
                f"data.exclude leaves out all {len(within)} images of {self.dataset.name} in the split '{split}'; "
                "shorten the exclusion list"
            )
        if within and all(self.lesions[row].image_id in self.unclassed for row in within):
            raise LabelError(
                f"no image of {self.dataset.name} in the split '{split}' is of one of the classes "
                f"{', '.join(self.classes)}; choose another split"
            )
        chosen = [row for row in within if self._is_used(row)]
        if within and not chosen:
            raise LabelError(
                f"no image of {self.dataset.name} in the split '{split}' has a lesion mask, and the ablation "
                f"{self.ablation} paints by the mask; fetch the masks, or take the ablation shuffled-labels"
            )
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

    def training_labels(self, seed: int) -> np.ndarray:
        """Class index of each training row as a network learns it: dealt out anew by the ablation that shuffles."""
        labels = self.labels(self.rows("train"))
        return shuffled(labels, seed) if self.ablation == SHUFFLED_LABELS else labels

    @property
    def used(self) -> tuple[Lesion, ...]:
        """The lesions in use: all but those excluded, beyond the limit or without a mask to paint by."""
        return tuple(lesion for row, lesion in enumerate(self.lesions) if self._is_used(row))

    @property
    def left_out(self) -> dict[str, int]:
        """How many images each split lacks because they have no mask for the ablation to paint by."""
        bare = (lesion.split for row, lesion in enumerate(self.lesions) if not self._can_be_painted(row))
        return dict(Counter(str(split) for split in bare))

    def _is_used(self, row: int) -> bool:
        image_id = self.lesions[row].image_id
        left_out = (self.excluded, self.beyond, self.unclassed)
        return not any(image_id in ids for ids in left_out) and self._can_be_painted(row)

    def _can_be_painted(self, row: int) -> bool:
        return self.ablation not in PAINTED or bool(self.cache.has_mask[row])

    @cached_property
    def groups(self) -> list[str]:
        """Lesion or patient of every row; the image id where it is not known."""
        return [lesion.group or lesion.image_id for lesion in self.lesions]

    def attributes(self, rows: np.ndarray) -> dict[str, tuple[str, ...]]:
        """The attributes of the rows, "" where one is not known; only those known of at least one row."""
        known = [self.lesions[row].attributes for row in rows]
        columns = {name: tuple(one.get(name, "") for one in known) for name in ATTRIBUTES}
        return {name: column for name, column in columns.items() if any(column)}

    def predictions(self, rows: np.ndarray, probabilities: np.ndarray) -> Predictions:
        """Return probabilities of rows as predictions, with ids, labels and groups."""
        return Predictions(
            image_ids=tuple(self.cache.image_ids[row] for row in rows),
            classes=self.classes,
            probabilities=probabilities,
            labels=self.labels(rows),
            groups=tuple(self.groups[row] for row in rows),
        )

    def fingerprint(self) -> dict[str, Any]:
        """Return what identifies the data of a run, with the completeness of the official archives."""
        return {
            "dataset": self.dataset.name,
            "title": self.dataset.title,
            "licence": self.dataset.licence,
            "content": self.cache.key,
            "labels": json_sha256([[one.image_id, one.diagnosis, one.split, one.group] for one in self.lesions]),
            "archives": [dataclasses.asdict(state) for state in self.dataset.states],
            "splits": {split: self._counts(split) for split in self._splits()},
            **({"beyond limit": len(self.beyond)} if self.beyond else {}),
            **({"ablation": self.ablation, "left out": self.left_out} if self.ablation != NO_ABLATION else {}),
        }

    def _splits(self) -> tuple[Split, ...]:
        """Return the splits that every data set should have, and the internal one where there is one."""
        has_internal = any(lesion.split == INTERNAL for lesion in self.lesions)
        return (*SPLITS, INTERNAL) if has_internal else SPLITS

    def _counts(self, split: Split) -> dict[str, int]:
        rows = [row for row, lesion in enumerate(self.lesions) if lesion.split == split and self._is_used(row)]
        labels = Counter(self.classes[class_index(self.lesions[row], self.classes)] for row in rows)
        masks = sum(bool(self.cache.has_mask[row]) for row in rows)
        return {"images": len(rows), "lesion masks": masks, **{name: labels[name] for name in self.classes}}


def prepare(
    data: DataSettings,
    *,
    home: Path,
    name: str | None = None,
    columns: Mapping[str, str] | None = None,
    progress: Progress = SILENT,
) -> Prepared:
    """Read a data set (the recipe's own, or another by `name`, with its own `columns`) and open its cache.

    A folder without a split column is split, stratified and with each group on one side, in the same way for every seed
    of a recipe: seeds are compared on the same images. What the recipe excludes, and what its limit leaves out of
    training, is left out of its own data set alone. A data set that leaks by its name is read, and its leaks are noted.

    Raises:
        LabelError: images, masks and labels do not fit together, one image or group is in two splits (unless the
            recipe or the data set allows leakage), or the recipe excludes an image that is not there.
    """
    disjoint = name is None and not data.allow_leakage
    own = TableReading(data.classes, data.columns, data.strict)
    reading = own if name is None else TableReading(data.classes, columns or {})
    dataset = read_dataset(name or data.dataset, home, reading=reading, disjoint=disjoint)
    lesions = with_splits(dataset.lesions)
    if disjoint and not dataset.leaks:
        check_disjoint(lesions)
    if name is None and data.fold is not None:
        fold = fold_numbers(data.fold)
        lesions = with_splits(lesions, fold)
        progress.note(fold_sentence(fold, dataset.name))
    excluded = frozenset(data.exclude) if name is None else frozenset[str]()
    refuse_unknown_ids(excluded, lesions, f"data.exclude names images that {dataset.name} does not hold")
    cache = open_crop(data, dataset, lesions, home=home, progress=progress)
    by_id = {lesion.image_id: lesion for lesion in lesions}
    ordered = tuple(by_id[i] for i in cache.image_ids)
    dataset, unclassed = without_class(dataset, data.classes, external=name is not None)
    prepared = Prepared(dataset, ordered, cache, data.classes, data.ablation, excluded, unclassed=unclassed)
    if name is None and data.limit is not None:
        prepared = _limited(prepared, data.limit, progress)
    note_images(prepared, data.ablation, progress)
    return prepared


def _limited(prepared: Prepared, limit: int, progress: Progress) -> Prepared:
    """Return the same with no more than that many training images, of those that the recipe does not leave out."""
    training = {lesion.image_id: lesion.diagnosis for lesion in prepared.used if lesion.split == "train"}
    kept = draw_some(training, limit)
    progress.note(limit_sentence(len(kept), len(training), limit, prepared.dataset.name))
    return dataclasses.replace(prepared, beyond=frozenset(training) - kept)


def training_batches(
    recipe: Recipe,
    prepared: Prepared,
    device: torch.device,
    planes: Planes | None = None,
    *,
    views: Views | None = None,
    maps: StoredMaps | None = None,
) -> TrainingBatches:
    """Return the over-sampled, augmented batches of the training split, its images or labels changed by the ablation.

    `planes`: the prior of the training images, in order; None: the lesion masks. `views`, `maps`: of a frozen trunk.

    Raises:
        LabelError: the split holds a single class, or fewer images than a batch.
    """
    data, training = recipe.data, recipe.training
    check_classes(prepared.used, data.classes)
    rows, labels = prepared.rows("train"), prepared.training_labels(training.seed)
    return TrainingBatches(
        batch_maker(data, prepared, rows, labels, device, prior=recipe.loss.prior, planes=planes, maps=maps),
        size=data.size,
        repeats={data.classes.index(name): times for name, times in data.repeats.items()},
        passes=data.passes,
        batch=training.batch,
        seed=training.seed,
        views=views,
        warp=WarpRange.of(training.smallest_crop, training.any_angle, training.colour, data.size / data.side),
    )


def split_batches(
    data: DataSettings,
    prepared: Prepared,
    rows: np.ndarray,
    *,
    batch: int,
    device: torch.device,
    maps: StoredMaps | None = None,
) -> Iterator[Batch]:
    """Return the centrally cropped batches of chosen rows, in order, painted as in training, with the true labels.

    `maps` are the feature maps of a frozen trunk, used in place of the images.
    """
    maker = batch_maker(data, prepared, rows, prepared.labels(rows), device, maps=maps)
    return evaluation_batches(maker, size=data.size, batch=batch)


def batch_maker(
    data: DataSettings,
    prepared: Prepared,
    rows: np.ndarray,
    labels: np.ndarray,
    device: torch.device,
    *,
    prior: str = NO_PRIOR,
    planes: Planes | None = None,
    maps: StoredMaps | None = None,
) -> BatchMaker:
    """Return what makes batches of chosen rows, normalised and painted by the recipe."""
    cache, mean, std = prepared.cache, _statistics(data).mean, _statistics(data).std
    paint = painter(data.ablation, mean)
    return BatchMaker(
        cache, rows, labels, mean=mean, std=std, prior=prior, planes=planes, device=device, paint=paint, maps=maps
    )


def shown_pixels(data: DataSettings, prepared: Prepared, rows: np.ndarray) -> np.ndarray:
    """Return the central crops of chosen rows, painted as in the network's input: red, green, blue, mask."""
    pixels = prepared.cache.gather(rows)
    # A fitted system's data has no colour statistics, and nothing to paint.
    if data.ablation != NO_ABLATION and (paint := painter(data.ablation, _statistics(data).mean)) is not None:
        paint(pixels)
    return central_crop(pixels, data.size)


def _statistics(data: DataSettings) -> Statistics:
    if data.statistics is None:
        raise LabelError("no colour statistics; call with_statistics first")
    return data.statistics
