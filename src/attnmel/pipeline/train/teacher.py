"""A recipe and its data -> the teacher's probabilities of the training images, counted and checked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from attnmel.config.recipe import LossSettings, Recipe
from attnmel.errors import LabelError, PredictionsError, counted, listed
from attnmel.files.checksums import file_sha256
from attnmel.files.folders import RunFolder, expanded
from attnmel.number_formats import significant
from attnmel.pipeline.run.images.dataset import Prepared
from attnmel.pipeline.run.provenance import read_provenance
from attnmel.progress import SILENT, Progress
from attnmel.records import Predictions
from attnmel.shapes import Float
from attnmel.training.soft_labels import SoftLabels

ROUNDING = 1e-3
"""How far the probabilities of an image may be from a sum of 1: tables of others are rounded."""


@dataclass(frozen=True)
class RunTeacher:
    """The teacher of a run's training images."""

    loss: LossSettings
    sha256: str
    """Of its table."""
    probabilities: Float[np.ndarray, "N K"]
    """By row of the image cache, in the order of the recipe's classes; 0 without a row in the table."""
    taught: np.ndarray
    """Whether a row of the cache is a training image that the table has a row for."""
    images: int
    """Training images."""

    @property
    def facts(self) -> dict[str, Any]:
        """Return the entry in a run's provenance."""
        having = int(self.taught.sum())
        return {
            "table": self.loss.teacher,
            "sha256": self.sha256,
            "weight": self.loss.teacher_weight,
            "with": having,
            "without": self.images - having,
        }

    def soft_labels(self, device: torch.device) -> SoftLabels:
        """Return what mixes the labels of a batch with the teacher's probabilities."""
        weights = self.taught * self.loss.teacher_weight
        return SoftLabels(*(torch.from_numpy(one).float().to(device) for one in (self.probabilities, weights)))


def prepare_teacher(recipe: Recipe, prepared: Prepared, progress: Progress = SILENT) -> RunTeacher | None:
    """Read the teacher's table for the training images, and report counts; None without a teacher.

    Raises:
        PredictionsError: no table, a damaged one, other classes, or probabilities that do not add up to 1.
        LabelError: the table has none of the training images.
    """
    loss, rows = recipe.loss, prepared.rows("train")
    if not loss.teacher:
        return None
    path, ids = expanded(loss.teacher), prepared.cache.image_ids
    by_id = _read(path, recipe.data.classes)
    taught = np.zeros(len(ids), dtype=bool)
    taught[[row for row in rows.tolist() if ids[row] in by_id]] = True
    if not taught.any():
        raise LabelError(
            f"{path} has none of the {len(rows):,} training images of {prepared.dataset.name} (its first: "
            f"{listed(by_id)}); name a table of predictions of these images by loss.teacher"
        )
    probabilities = np.zeros((len(ids), len(recipe.data.classes)))
    probabilities[taught] = [by_id[ids[row]] for row in np.flatnonzero(taught)]
    found = RunTeacher(loss, file_sha256(path), probabilities, taught, len(rows))
    bare = found.facts["without"]
    progress.note(
        f"teacher: {found.facts['with']:,} of {len(rows):,} training images learn from {path.name} with weight "
        f"{loss.teacher_weight:g}" + (f"; {bare:,} have no row there and keep their label" if bare else "")
    )
    return found


def refuse_other_teacher(run: RunFolder, teacher: RunTeacher | None) -> None:
    """Refuse to continue a run with another table than it was begun with.

    Raises:
        LabelError: the contents of the table have changed.
    """
    before = read_provenance(run).get("teacher", {}).get("sha256")
    if teacher is not None and before != teacher.sha256:
        raise LabelError(
            f"{teacher.loss.teacher} is not the table that {run.path} was begun with. Put it back as it was, or train "
            "anew with another --out."
        )


def _read(path: Path, classes: tuple[str, ...]) -> dict[str, Float[np.ndarray, " K"]]:
    """Return the probabilities of each image, in the recipe's order of classes."""
    if not path.is_file():
        raise PredictionsError(
            f"loss.teacher: there is no file {path}; make one with `attnmel evaluate RUN --split validation`"
        )
    table = Predictions.read(path)
    if set(table.classes) != set(classes):
        raise PredictionsError(
            f"{path.name} has the classes {', '.join(table.classes)}, but data.classes has {', '.join(classes)}; take "
            "the predictions of a network of the same classes"
        )
    sums = table.probabilities.sum(1)
    if wrong := np.flatnonzero(abs(sums - 1) > ROUNDING).tolist():
        rows = f" ({counted(len(wrong), 'row')} like it)" if len(wrong) > 1 else ""
        raise PredictionsError(
            f"{path.name}, {table.image_ids[wrong[0]]}: the probabilities add up to {significant(sums[wrong[0]], 4)}, "
            f"expected 1{rows}"
        )
    in_order = table.probabilities[:, [table.classes.index(name) for name in classes]]
    return dict(zip(table.image_ids, in_order / sums[:, None], strict=True))
