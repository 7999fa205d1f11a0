"""Runs and a split -> the maps of each, what they are worth, and the pages that show them side by side."""

import dataclasses
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from PIL import Image

from attnmel.errors import ConfigError, require_known
from attnmel.folders import MapsFolder, RunFolder, replacing
from attnmel.locks import hold_folder
from attnmel.pipeline.explain.annotations import open_marks
from attnmel.pipeline.explain.channels import explain_channels
from attnmel.pipeline.explain.gallery import gallery
from attnmel.pipeline.explain.grid import grid
from attnmel.pipeline.explain.metrics import ASKING, AUTHORS_CAM, CAM, OF_MAPS, OVERLAP, has_authors_cam
from attnmel.pipeline.explain.side_by_side import require_same_images, require_same_square
from attnmel.pipeline.explain.split import explain_split, write_summary
from attnmel.pipeline.explain.stored_maps import ExplainedRun, side_by_side
from attnmel.pipeline.run.open_split import SplitModel, open_split
from attnmel.pipeline.run.provenance import read_recipe
from attnmel.progress import SILENT, Progress
from attnmel.records import EVERY_SPLIT
from attnmel.report.galleries.maps import write_gallery
from attnmel.saliency.methods.registry import build_method, usual_methods

LIMIT = 64
"""Images on which the network is asked again: enough for a mean, few enough to wait for."""


def explain_runs(
    runs: Sequence[RunFolder],
    *,
    split: str,
    methods: Sequence[str] = (),
    measures: Sequence[str] = (OVERLAP,),
    channels: Sequence[str] = (),
    limit: int = LIMIT,
    out: Path | None = None,
    home: Path,
    progress: Progress = SILENT,
) -> MapsFolder:
    """Explain a split by one run, or by several on the same images; return the folder of grid, gallery and summary.

    One run has all its files in `out`, or in its own maps folder. Of several, each has its maps and figures in its own
    folder, and `out` ("maps/<split>") takes what sets them side by side: the same method of two runs is compared.
    Methods that are not named: all that a network has a map for, without the slow ones. A named one that only some of
    the networks have is of those alone. `channels` are stages or layers whose channels are to be browsed.

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
        read_recipe(run)  # no lock is laid where there is no run
    own = [run.split_maps(split) for run in runs]
    folder = MapsFolder(out or Path("maps") / split) if len(runs) > 1 else MapsFolder(out) if out else own[0]
    with ExitStack() as held:
        for place in dict.fromkeys([folder.path, *(one.path for one in own if len(runs) > 1)]):
            held.enter_context(hold_folder(place))
        explained = explain_each(
            runs,
            split=split,
            methods=methods,
            measures=measures,
            channels=channels,
            limit=limit,
            out=out if len(runs) == 1 else None,
            home=home,
            progress=progress,
        )
        if len(runs) > 1:
            write_summary(folder, side_by_side(explained, progress))
        picture = grid(explained)
        with replacing(folder.grid) as part:
            Image.fromarray(picture).save(part)
        write_gallery(folder.gallery, gallery(explained, picture, progress))
    return folder


def explain_each(
    runs: Sequence[RunFolder],
    *,
    split: str,
    methods: Sequence[str] = (),
    measures: Sequence[str] = (OVERLAP,),
    channels: Sequence[str] = (),
    limit: int = LIMIT,
    out: Path | None = None,
    home: Path,
    progress: Progress = SILENT,
) -> list[ExplainedRun]:
    """Explain a split by each run, in a folder of its own; `out` is for one run alone.

    Raises:
        AttnmelError: as `explain_runs`.
    """
    require_known("split", split, EVERY_SPLIT)
    for measure in measures:
        require_known("measure", measure, (*OF_MAPS, *ASKING))
    if limit < 1:
        raise ConfigError(f"measures on {limit} images; expected --limit of at least 1")
    for name in methods:
        build_method(name)
    require_same_square({str(run.path): read_recipe(run).data for run in runs})
    asked = _told_apart([open_split(run, split, home=home, progress=progress) for run in runs])
    require_same_images({one.name: one.predictions.image_ids for one in asked})
    chosen = _methods(asked, tuple(dict.fromkeys(methods)), progress)
    if AUTHORS_CAM in measures:
        _require_authors_cam(asked, chosen)
    explained = []
    for one, names in zip(asked, chosen, strict=True):
        marks = open_marks(one.data, one.prepared, one.rows, home, progress)
        folder = MapsFolder(out) if out else one.run.split_maps(split)
        for layer in channels:
            explain_channels(one, layer, marks, folder, progress)
        explained.append(
            explain_split(one, names, marks, measures=measures, limit=limit, folder=folder, progress=progress)
        )
    return explained


def _methods(runs: Sequence[SplitModel], named: Sequence[str], progress: Progress) -> list[tuple[str, ...]]:
    """Return the methods of each run; of those that are named, the ones that its network has a map for."""
    if not named:
        return [usual_methods(run.network) for run in runs]
    chosen = []
    for run in runs:
        refused = run.refusals(named)
        names = tuple(name for name in named if name not in refused)
        # One run is asked for what it cannot give; of several each gives what it can.
        if refused and (len(runs) == 1 or not names):
            raise next(iter(refused.values()))
        if refused:
            progress.note(f"{run.name} has no {', '.join(refused)}; its other maps are made")
        chosen.append(names)
    return chosen


def _require_authors_cam(runs: Sequence[SplitModel], methods: Sequence[Sequence[str]]) -> None:
    if not any(has_authors_cam(run.network) and CAM in names for run, names in zip(runs, methods, strict=True)):
        told = "; ".join(f"{run.card.network}: {', '.join(names)}" for run, names in zip(runs, methods, strict=True))
        raise ConfigError(f"measure '{AUTHORS_CAM}' is of the map 'cam' of a vgg16-gap; here are maps of {told}")


def _told_apart(runs: Sequence[SplitModel]) -> list[SplitModel]:
    """Add a number to the name of runs that share recipe and seed."""
    names = [run.name for run in runs]
    return [
        dataclasses.replace(run, name=f"{run.name} ({number})") if names.count(run.name) > 1 else run
        for number, run in enumerate(runs, 1)
    ]
