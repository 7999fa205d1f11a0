"""Runs and a split -> the maps of each, their measures, and the pages that show them side by side."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from attnmel.config.settings.tta import transforms_of
from attnmel.errors import ConfigError, require_known
from attnmel.files.folders import MapsFolder, replacing
from attnmel.files.locks import hold_folders
from attnmel.pipeline.explain.annotations import open_annotations
from attnmel.pipeline.explain.channels import explain_channels
from attnmel.pipeline.explain.gallery import gallery
from attnmel.pipeline.explain.metrics import AUTHORS_CAM, CAM, OF_MAPS, OVERLAP, RERUN, has_authors_cam
from attnmel.pipeline.explain.side_by_side import require_same_images, require_same_square
from attnmel.pipeline.explain.split import explain_split, write_summary
from attnmel.pipeline.explain.stored_maps import ExplainedRun, side_by_side
from attnmel.pipeline.predict.cached_rows import Rows, predict_rows
from attnmel.pipeline.run.images.age_and_sex import with_prior
from attnmel.pipeline.run.images.dataset import Prepared
from attnmel.pipeline.run.open_split import SplitModel, open_split
from attnmel.pipeline.run.run import Run
from attnmel.records import EVERY_SPLIT, Predictions
from attnmel.report.galleries.maps import write_gallery
from attnmel.saliency.methods.registry import build_method, usual_methods

LIMIT = 64
"""Images on which the network is run again: enough for a mean, few enough to wait for."""


def explain_runs(
    runs: Sequence[Run],
    *,
    split: str,
    methods: Sequence[str] = (),
    measures: Sequence[str] = (OVERLAP,),
    channels: Sequence[str] = (),
    limit: int = LIMIT,
    out: Path | None = None,
) -> MapsFolder:
    """Explain a split by one run, or by several on the same images; return the folder of grid, gallery and summary.

    One run has all its files in `out`, or in its own maps folder. Of several, each has its maps and measures in its own
    folder, and `out` ("maps/<split>") takes the comparison: the same method of two runs is compared. Without methods:
    all that a network has a map for, without the slow ones. A named one that only some of the networks have is made for
    those alone. `channels` are stages or layers whose channels are to be browsed.

    Raises:
        ConfigError: no run folder, an unknown split, method, measure or layer, a network without any such map, a limit
            below 1, or runs of other images or of another square of them. All of it is found before the first map of
            the split is made.
        CheckpointError: a run has no usable best checkpoint.
        LabelError: the data set has no such split, or is not the one that the run was trained on.
        BusyError: another command writes into one of the folders.
    """
    require_known("split", split, EVERY_SPLIT)
    for run in runs:
        _ = run.recipe  # no lock where there is no run
    own = [run.folder.split_maps(split) for run in runs]
    folder = MapsFolder(out or Path("maps") / split) if len(runs) > 1 else MapsFolder(out) if out else own[0]
    with hold_folders(folder.path, *(one.path for one in own if len(runs) > 1)):
        explained = explain_each(
            runs,
            split=split,
            methods=methods,
            measures=measures,
            channels=channels,
            limit=limit,
            out=out if len(runs) == 1 else None,
        )
        if len(runs) > 1:
            write_summary(folder, side_by_side(explained, runs[0].progress))
        grid, images = gallery(explained, runs[0].progress)
        with replacing(folder.grid) as part:
            Image.fromarray(grid.picture()).save(part)
        write_gallery(folder.gallery, images)
    return folder


def explain_each(
    runs: Sequence[Run],
    *,
    split: str,
    methods: Sequence[str] = (),
    measures: Sequence[str] = (OVERLAP,),
    channels: Sequence[str] = (),
    limit: int = LIMIT,
    out: Path | None = None,
) -> list[ExplainedRun]:
    """Explain a split by each run, in a folder of its own; `out` is for one run alone.

    Raises:
        AttnmelError: as `explain_runs`.
    """
    require_known("split", split, EVERY_SPLIT)
    for measure in measures:
        require_known("measure", measure, (*OF_MAPS, *RERUN))
    if limit < 1:
        raise ConfigError(f"measures on {limit} images; expected --limit of at least 1")
    for name in methods:
        build_method(name)
    require_same_square({str(run.path): run.recipe.data for run in runs})
    models = _with_own_names([_opened_as_evaluated(run, split) for run in runs])
    require_same_images({one.name: one.predictions.image_ids for one in models})
    chosen = _methods(models, tuple(dict.fromkeys(methods)))
    if AUTHORS_CAM in measures:
        _require_authors_cam(models, chosen)
    explained = []
    for model, names in zip(models, chosen, strict=True):
        annotations = open_annotations(model.run, model.rows)
        folder = MapsFolder(out) if out else model.run.folder.split_maps(split)
        for layer in channels:
            explain_channels(model, layer, annotations, folder)
        explained.append(explain_split(model, names, annotations, measures=measures, limit=limit, folder=folder))
    return explained


def _opened_as_evaluated(run: Run, split: str) -> SplitModel:
    """Open a split with the predictions that `evaluate` gives: means over squares and transforms, and its prior.

    So the class that the maps explain, hits and misses are those of the report, which shows the stored predictions.
    """
    crops, (_, card) = run.network_recipe.data.crops, run.checkpoint
    transforms = transforms_of(card.transforms)
    passes = crops * len(transforms)
    if passes == 1 and card.age_sex_prior is None:
        return open_split(run, split)

    def as_evaluated(prepared: Prepared, rows: Rows) -> Predictions:
        adjusted, _ = with_prior(card.age_sex_prior, predict_rows(run, prepared, rows, transforms).predictions)
        return adjusted

    return open_split(run, split, predict=as_evaluated, passes=passes)


def _methods(models: Sequence[SplitModel], named: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the methods of each run; of those that are named, the ones that its network has a map for."""
    if not named:
        return [usual_methods(model.network) for model in models]
    chosen = []
    for model in models:
        refused = model.refusals(named)
        names = tuple(name for name in named if name not in refused)
        # A single run must have every named method; of several each has what its network allows.
        if refused and (len(models) == 1 or not names):
            raise next(iter(refused.values()))
        if refused:
            model.run.progress.note(f"{model.name} has no {', '.join(refused)}; its other maps are made")
        chosen.append(names)
    return chosen


def _require_authors_cam(models: Sequence[SplitModel], methods: Sequence[Sequence[str]]) -> None:
    pairs = list(zip(models, methods, strict=True))
    if not any(has_authors_cam(model.network) and CAM in names for model, names in pairs):
        maps = "; ".join(f"{model.card.network}: {', '.join(names)}" for model, names in pairs)
        raise ConfigError(f"measure '{AUTHORS_CAM}' is of the map 'cam' of a vgg16-gap; here are maps of {maps}")


def _with_own_names(models: Sequence[SplitModel]) -> list[SplitModel]:
    """Add a number to the name of runs that share recipe and seed."""
    names = [model.name for model in models]
    return [
        dataclasses.replace(model, name=f"{model.name} ({number})") if names.count(model.name) > 1 else model
        for number, model in enumerate(models, 1)
    ]
