"""Runs and the maps that `attnmel explain --split` made of them -> what a report shows; no network is asked again."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from attnmel.errors import ConfigError
from attnmel.evaluation.maps.summary import MapSummary
from attnmel.folders import MapsFolder, RunFolder
from attnmel.pipeline.explain.gallery import gallery
from attnmel.pipeline.explain.grid import grid
from attnmel.pipeline.explain.side_by_side import require_same_images, require_same_square
from attnmel.pipeline.explain.stored_maps import ExplainedRun, read_explained, side_by_side
from attnmel.pipeline.run.results import read_measures
from attnmel.progress import SILENT, Progress
from attnmel.report.galleries.examples import Picture, as_address
from attnmel.report.galleries.maps import write_gallery
from attnmel.report.html.sections import Link, Section
from attnmel.report.sections.maps import beside_section, evaluation_section

BESIDE = "Maps side by side"


def run_maps_section(
    run: RunFolder, split: str, epoch: int, *, alone: Path | None, home: Path, progress: Progress = SILENT
) -> Section | None:
    """Return the evaluation of the maps of a run's split; None where there are none, or those of another epoch.

    On a page of its own, which lies at `alone`, a run has its grid and the way to its gallery here too.

    Raises:
        PredictionsError: a file of maps is missing, damaged or of other images.
        LabelError: the data set is not the one that the run was trained on.
    """
    if alone is None:
        summary = MapSummary.read(run.split_maps(split).summary)
        return None if summary is None or summary.epoch != epoch else evaluation_section(summary)
    found = read_explained(run, split, epoch, name="", home=home, progress=progress)
    if found is None:
        return None
    return evaluation_section(
        found.summary, pictures=(_grid_picture([found], each=2),), links=_links(found.folder, alone)
    )


def maps_beside_section(
    runs: Mapping[str, RunFolder], split: str, *, page: Path, home: Path, progress: Progress = SILENT
) -> Section | None:
    """Return the maps of several runs, by name, on the same images; None where no two of them have any.

    Their gallery is written beside the page, as `<page>-maps.html`.

    Raises:
        PredictionsError: a file of maps is missing, damaged or of other images.
        LabelError: a data set is not the one that its run was trained on.
    """
    found = []
    for name, run in runs.items():
        epoch = read_measures(run)[split].epoch
        if (one := read_explained(run, split, epoch, name=name, home=home, progress=progress)) is not None:
            found.append(one)
    if len(found) < 2:
        return None
    try:
        require_same_square({one.name: one.data for one in found})
        require_same_images({one.name: one.table.image_ids for one in found})
    except ConfigError as error:
        return Section(name="maps-beside", title=BESIDE, prose=f"Not shown: {error}.")
    lacking = [name for name in runs if name not in {one.name for one in found}]
    folder = page.with_name(f"{page.stem}-maps.html")
    write_gallery(folder, gallery(found, grid(found), progress))
    return beside_section(
        side_by_side(found, progress),
        title=BESIDE,
        pictures=(_grid_picture(found, each=1),),
        links=(_link(folder, page),),
        lacking=lacking,
    )


def _grid_picture(runs: Sequence[ExplainedRun], *, each: int) -> Picture:
    rows = ", a row a run" if len(runs) > 1 else ""
    return Picture(
        title=f"Hits and misses drawn by chance, {each} of each kind{rows}; the line is the border of the lesion mask.",
        description="Lesions with their masks and maps",
        address=as_address(grid(runs, each)),
    )


def _links(folder: MapsFolder, page: Path) -> tuple[Link, ...]:
    """Return the way to the gallery of a run that was explained by itself."""
    return (_link(folder.gallery, page),) if folder.gallery.is_file() else ()


def _link(gallery: Path, page: Path) -> Link:
    # Relative, so that a run folder can be moved with its report.
    address = Path(os.path.relpath(gallery.resolve(), page.resolve().parent)).as_posix()
    return Link("Every image with its maps, to sort and filter", address)
