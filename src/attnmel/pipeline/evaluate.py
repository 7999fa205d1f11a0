"""A run and a split or an external set -> predictions, attention maps, measures with intervals, all on disk."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from attnmel import runtime
from attnmel.data.images import central_crop
from attnmel.errors import CheckpointError, require_known
from attnmel.evaluation.intervals import Interval
from attnmel.evaluation.judgement import Judgement, judge
from attnmel.evaluation.overlap import Overlap, attention_overlap
from attnmel.evaluation.predict import Predicted, predict
from attnmel.evaluation.submission import FORMATS, write_submission
from attnmel.folders import RunFolder, replacing
from attnmel.models.checkpoints import Card, load_checkpoint
from attnmel.pipeline.prepare import ALL, Prepared, prepare, split_batches
from attnmel.pipeline.provenance import read_recipe
from attnmel.progress import SILENT, Progress
from attnmel.records import ATTENTION_MAPS, SPLITS

BATCH = 32
"""Images a forward pass; no measure depends on it."""


@dataclasses.dataclass(frozen=True)
class Judged:
    """What `evaluate` found on one split or external set."""

    name: str
    """Under which the files of this judgement lie in the run folder."""
    dataset: str
    on: str | None
    """The data set or folder as it was named; None for the run's own."""
    split: str
    epoch: int
    judgement: Judgement
    overlap: dict[str, Interval]
    """Mean Jaccard index of each attention map with the lesion mask; empty without maps or masks."""
    masks: int
    """Images with a lesion mask, over which the overlap is averaged."""
    submission: str
    """What stands in the official submission file; empty where the data set has no official format."""

    @property
    def sentence(self) -> str:
        """Return what was judged, in one line."""
        counts = ", ".join(f"{count} {name}" for name, count in self.judgement.counts.items())
        notes = "".join(f"\nnote: {note}" for note in self.judgement.notes)
        return f"{self.dataset}, {self.split}: {self.judgement.images} images ({counts}), epoch {self.epoch}{notes}"

    def table(self) -> list[list[str]]:
        """Return the measures as text: task, measure, value, interval."""
        rows = [[row.task, row.measure, row.value, row.low, row.high] for row in self.judgement.rows]
        rows += [
            [f"attention {name}", f"jaccard ({self.masks} masks)", *values] for name, values in self.overlap.items()
        ]
        return [[task, measure, f"{value:.3f}", f"{low:.3f} - {high:.3f}"] for task, measure, value, low, high in rows]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**dataclasses.asdict(self), "judgement": self.judgement.to_dict()}

    @staticmethod
    def from_dict(plain: dict[str, Any]) -> "Judged":
        """Read what `as_dict` gave."""
        overlap = {name: Interval(*values) for name, values in plain["overlap"].items()}
        return Judged(**{**plain, "judgement": Judgement.from_dict(plain["judgement"]), "overlap": overlap})


def evaluate_run(
    run: RunFolder,
    *,
    home: Path,
    on: str | None = None,
    split: str | None = None,
    prepared: Prepared | None = None,
    progress: Progress = SILENT,
) -> Judged:
    """Judge a run's best epoch on a split of its own data, or on another data set or folder `on`.

    Predicts in float32 whatever the training's precision. Predictions, maps, submission and measures are written into
    the run folder; the measures are computed from the predictions file alone.

    Raises:
        ConfigError: no run folder, no such data set or split.
        CheckpointError: the run has no usable best checkpoint.
        PredictionsError: a measure is not defined, for example on a single class.
    """
    recipe = read_recipe(run)
    split = split or (ALL if on is not None and Path(on).is_dir() else "test")
    require_known("split", split, (*SPLITS, ALL))
    if prepared is None:
        prepared = prepare(recipe.data, home=home, name=on, seed=recipe.training.seed, progress=progress)
    name = split if on is None else f"{Path(on).name}-{split}"
    network, card = load_checkpoint(run.best)
    if card.classes != recipe.data.classes:
        raise CheckpointError(f"{run.best} knows {card.classes}, but the run's recipe {recipe.data.classes}")
    rows = prepared.rows(split)
    device = runtime.choose_device(recipe.training.device)
    predicted = predict(
        network.to(device),
        split_batches(recipe.data, prepared, rows, batch=BATCH, device=device),
        image_ids=prepared.cache.image_ids,
        classes=card.classes,
        groups=prepared.groups,
        device=device,
        progress=progress,
    )
    judged = _write(run, name, on, split, prepared, rows, predicted, card)
    _add_measures(run, judged)
    return judged


def read_measures(run: RunFolder) -> dict[str, Judged]:
    """Return every judgement of a run by its name; empty where there is none yet."""
    if not run.measures.is_file():
        return {}
    plain = json.loads(run.measures.read_text(encoding="utf-8"))
    return {name: Judged.from_dict(one) for name, one in plain.items()}


def _write(
    run: RunFolder,
    name: str,
    on: str | None,
    split: str,
    prepared: Prepared,
    rows: np.ndarray,
    predicted: Predicted,
    card: Card,
) -> Judged:
    predictions = predicted.predictions
    predictions.write(run.predictions(name), card.licence)
    dataset, submission = prepared.dataset.name, ""
    if dataset in FORMATS:
        submission = write_submission(predictions, run.submission(name), dataset)
    overlap = _overlap(run, name, prepared, rows, predicted, card.size)
    means = {map_name: overlap.mean(map_name) for map_name in overlap.jaccard} if overlap else {}
    return Judged(
        name=name,
        dataset=dataset,
        on=on,
        split=split,
        epoch=card.epoch,
        judgement=judge(predictions, card.positives),
        overlap=means,
        masks=int(prepared.cache.has_mask[rows].sum()),
        submission=submission,
    )


def _overlap(
    run: RunFolder, name: str, prepared: Prepared, rows: np.ndarray, predicted: Predicted, size: int
) -> Overlap | None:
    """Write the attention maps and, where there are masks, how they overlap."""
    if not predicted.attention:
        return None
    ids, groups = predicted.predictions.image_ids, predicted.predictions.groups
    maps = dict(zip(ATTENTION_MAPS, predicted.attention, strict=True))
    with replacing(run.attention(name)) as part, part.open("wb") as file:
        np.savez_compressed(file, image=np.array(ids), **maps)
    has_mask = prepared.cache.has_mask[rows]
    if not has_mask.any():
        return None
    masks = central_crop(prepared.cache.gather(rows)[..., 3], size)
    overlap = Overlap(
        ids, groups, {map_name: attention_overlap(one, masks, has_mask) for map_name, one in maps.items()}
    )
    overlap.write(run.overlap(name))
    return overlap


def _add_measures(run: RunFolder, judged: Judged) -> None:
    every = read_measures(run) | {judged.name: judged}
    with replacing(run.measures) as part:
        part.write_text(json.dumps({name: one.as_dict() for name, one in every.items()}, indent=2), encoding="utf-8")
