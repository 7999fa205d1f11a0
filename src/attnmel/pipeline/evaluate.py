"""A run and a split or an external set -> predictions, attention maps, measures with intervals, all on disk."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from attnmel import runtime
from attnmel.config import Recipe
from attnmel.data.cache import Cache
from attnmel.data.images import central_crop
from attnmel.errors import CheckpointError, ConfigError, PredictionsError, require_known
from attnmel.evaluation.intervals import Interval
from attnmel.evaluation.judgement import Judgement, judge
from attnmel.evaluation.overlap import Overlap, attention_overlap
from attnmel.evaluation.predict import Predicted, predict
from attnmel.evaluation.submission import FORMATS, write_submission
from attnmel.folders import RunFolder, replacing
from attnmel.models.checkpoints import Card, load_checkpoint
from attnmel.pipeline.prepare import ALL, Prepared, prepare, split_batches
from attnmel.pipeline.provenance import check_same_data, read_recipe
from attnmel.progress import SILENT, Progress
from attnmel.records import ATTENTION_MAPS, SPLITS

BATCH = 32
"""Images a forward pass; no measure depends on it."""

ROWS = 256
"""Masks read at once."""


@dataclasses.dataclass(frozen=True)
class SplitJudgement:
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
    def from_dict(plain: dict[str, Any]) -> "SplitJudgement":
        """Read what `as_dict` gave."""
        overlap = {name: Interval(*values) for name, values in plain["overlap"].items()}
        return SplitJudgement(**{**plain, "judgement": Judgement.from_dict(plain["judgement"]), "overlap": overlap})


def evaluate_run(
    run: RunFolder,
    *,
    home: Path,
    on: str | None = None,
    split: str | None = None,
    prepared: Prepared | None = None,
    progress: Progress = SILENT,
) -> SplitJudgement:
    """Judge a run's best epoch on a split of its own data, or on another data set or folder `on`.

    Predicts in float32 whatever the training's precision. Predictions, maps, submission and measures are written into
    the run folder; the measures are computed from the predictions file alone.

    Raises:
        ConfigError: no run folder, no such data set or split.
        CheckpointError: the run has no usable best checkpoint.
        PredictionsError: a measure is not defined, for example on a single class.
    """
    recipe = read_recipe(run)
    on = _external(on, recipe.data.dataset)
    split = split or (ALL if on is not None and Path(on).is_dir() else "test")
    require_known("split", split, (*SPLITS, ALL))
    if prepared is None:
        prepared = prepare(recipe.data, home=home, name=on, progress=progress)
    if on is None:
        check_same_data(run, prepared)
    name = split if on is None else f"{Path(on).name}-{split}"
    _check_name(run, name, on)
    network, card = load_checkpoint(run.path)
    _check_card(run, card, recipe)
    rows = prepared.rows(split)
    device = runtime.choose_device()
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


def read_measures(run: RunFolder) -> dict[str, SplitJudgement]:
    """Return every judgement of a run by its name; empty where there is none yet.

    Raises:
        PredictionsError: the file is damaged.
    """
    if not run.measures.is_file():
        return {}
    try:
        plain = json.loads(run.measures.read_text(encoding="utf-8"))
        return {name: SplitJudgement.from_dict(one) for name, one in plain.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise PredictionsError(f"{run.measures} is damaged; delete it and run `attnmel evaluate` again") from None


def _external(on: str | None, own: str) -> str | None:
    """Return the data set to judge on as an absolute path or a known name; None where it is the run's own after all.

    SplitJudgement as an external set, the run's own would give back the images it was trained on.
    """
    if on is None or on == own:
        return None
    if not Path(on).is_dir():
        return on
    return None if Path(own).is_dir() and Path(on).samefile(own) else str(Path(on).absolute())


def _check_card(run: RunFolder, card: Card, recipe: Recipe) -> None:
    """Refuse a checkpoint that another run left in this run's place: its measures would stand under a wrong recipe."""
    model, data = recipe.model, recipe.data
    pairs = {
        "network": (card.network, model.network),
        "trunk": (card.trunk, model.trunk),
        "width": (card.width, model.width),
        "attention": (card.attention, model.attention),
        "classes": (", ".join(card.classes), ", ".join(data.classes)),
        "size": (card.size, data.size),
        "crop": (card.crop, data.crop),
    }
    if differing := [f"{key} {found}, not {expected}" for key, (found, expected) in pairs.items() if found != expected]:
        raise CheckpointError(
            f"{run.best} is not of this run's recipe: {'; '.join(differing)}. Put the run's own checkpoint back, or "
            "train the run again."
        )


def _check_name(run: RunFolder, name: str, on: str | None) -> None:
    before = read_measures(run).get(name)
    if before is not None and before.on != on:
        raise ConfigError(f"{run.path} was judged on another folder as '{name}' ({before.on}); rename one of the two")


def _write(
    run: RunFolder,
    name: str,
    on: str | None,
    split: str,
    prepared: Prepared,
    rows: np.ndarray,
    predicted: Predicted,
    card: Card,
) -> SplitJudgement:
    predictions = predicted.predictions
    predictions.write(run.predictions(name), card.licence)
    dataset, submission = prepared.dataset.name, ""
    if dataset in FORMATS:
        submission = write_submission(predictions, run.submission(name), dataset)
    overlap = _overlap(run, name, prepared, rows, predicted, card.size)
    means = {map_name: overlap.mean(map_name) for map_name in overlap.jaccard} if overlap else {}
    return SplitJudgement(
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
    overlap = Overlap(
        ids, groups, {map_name: _jaccard(one, prepared.cache, rows, size) for map_name, one in maps.items()}
    )
    overlap.write(run.overlap(name))
    return overlap


def _jaccard(maps: np.ndarray, cache: Cache, rows: np.ndarray, size: int) -> np.ndarray:
    """Compare maps with the masks of their rows, some rows at a time, so that memory stays flat."""
    parts = []
    for start in range(0, len(rows), ROWS):
        some = rows[start : start + ROWS]
        masks = np.ascontiguousarray(central_crop(cache.gather(some), size)[..., 3])
        parts.append(attention_overlap(maps[start : start + ROWS], masks, cache.has_mask[some]))
    return np.concatenate(parts)


def _add_measures(run: RunFolder, judged: SplitJudgement) -> None:
    every = read_measures(run) | {judged.name: judged}
    with replacing(run.measures) as part:
        part.write_text(json.dumps({name: one.as_dict() for name, one in every.items()}, indent=2), encoding="utf-8")
