"""Runs and a split -> the maps of each, what they are worth, and the pages that show them side by side."""

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from attnmel.evaluation.map_summary import MapSummary, summarised
from attnmel.evaluation.map_table import MapTable
from attnmel.folders import MapsFolder, RunFolder, replacing
from attnmel.pipeline.explain_gallery import gallery
from attnmel.pipeline.explain_grid import grid
from attnmel.pipeline.explain_split import LIMIT, Explained, explain_split, write_summary
from attnmel.pipeline.map_measures import OVERLAP
from attnmel.pipeline.shown_maps import require_same_images
from attnmel.progress import SILENT, Progress
from attnmel.report.gallery import write_gallery


def explain_runs(
    runs: Sequence[RunFolder],
    *,
    split: str,
    methods: Sequence[str] = (),
    measures: Sequence[str] = (OVERLAP,),
    limit: int = LIMIT,
    out: Path | None = None,
    home: Path,
    progress: Progress = SILENT,
) -> MapsFolder:
    """Explain a split by one run, or by several on the same images; return the folder of grid, gallery and summary.

    One run has all its files in `out`, or in its own maps folder. Of several, each has its maps and figures in its own
    folder, and `out` ("maps/<split>") takes what sets them side by side: the same method of two runs is compared.

    Raises:
        AttnmelError: as `explain_split`; runs of other images.
    """
    several = len(runs) > 1
    explained = [
        explain_split(
            run,
            split=split,
            methods=methods,
            measures=measures,
            limit=limit,
            out=None if several else out,
            home=home,
            progress=progress,
        )
        for run in runs
    ]
    explained = _told_apart(explained)
    require_same_images(explained)
    folder = explained[0].folder
    if several:
        folder = MapsFolder(out or Path("maps") / split)
        write_summary(folder, _side_by_side(explained))
    picture = grid(explained)
    with replacing(folder.grid) as part:
        Image.fromarray(picture).save(part)
    write_gallery(folder.gallery, gallery(explained, picture, progress))
    return folder


def _told_apart(runs: Sequence[Explained]) -> list[Explained]:
    """Add a number to the name of runs that share recipe and seed."""
    names = [run.name for run in runs]
    return [
        dataclasses.replace(run, name=f"{run.name} ({number})") if names.count(run.name) > 1 else run
        for number, run in enumerate(runs, 1)
    ]


def _side_by_side(runs: Sequence[Explained]) -> MapSummary:
    """Return the figures of all runs together; hits and misses differ by run and stand in each one's own summary."""
    first = runs[0]
    ids, nothing = first.table.image_ids, ("",) * len(first.table.image_ids)
    values = {
        column._replace(map=_joined(run, column.map)): numbers
        for run in runs
        for column, numbers in run.table.values.items()
    }
    return summarised(
        MapTable(ids, first.table.groups, nothing, nothing, values),
        [_joined(run, name) for run in runs for name in run.methods],
        pairs=[
            (_joined(one, name), _joined(other, name))
            for one, other in itertools.combinations(runs, 2)
            for name in one.methods
            if name in other.methods
        ],
        masks=first.summary.masks,
        split=first.summary.split,
        name=" and ".join(run.name for run in runs),
        epoch=first.summary.epoch,
        licence="; ".join(dict.fromkeys(run.summary.licence for run in runs)),
    )


def _joined(run: Explained, method: str) -> str:
    return f"{run.name}: {method}"
