"""The stored maps of `attnmel explain --split` -> the sections of a report on them; no network is run again."""

import os
from collections.abc import Mapping
from pathlib import Path

from attnmel.errors import ConfigError
from attnmel.files.folders import MapsFolder
from attnmel.pipeline.explain.gallery import gallery
from attnmel.pipeline.explain.grid import Grid, drawn_grid
from attnmel.pipeline.explain.side_by_side import require_same_images, require_same_square
from attnmel.pipeline.explain.stored_maps import read_explained, read_summary, side_by_side
from attnmel.pipeline.report.missing_images import missing_images
from attnmel.pipeline.run.run import Run
from attnmel.report.galleries.examples import GalleryPicture, as_address
from attnmel.report.galleries.maps import write_gallery
from attnmel.report.html.sections import Link, Section
from attnmel.report.sections.maps import beside_section, evaluation_section

SIDE_BY_SIDE = "Maps side by side"


def run_maps_section(run: Run, split: str, epoch: int, *, alone: Path | None) -> Section | None:
    """Return the evaluation of a run's maps of a split; None where there are none, or those of another epoch.

    On a page of its own, which lies at `alone`, it has a grid of lesions, where the images are on this machine, and the
    link to the gallery too.

    Raises:
        PredictionsError: a file of maps is missing, damaged or of other images.
        LabelError: the data set is not the one that the run was trained on.
    """
    summary = read_summary(run, split, epoch)
    if summary is None or alone is None:
        return None if summary is None else evaluation_section(summary)
    if missing_images(run):
        return evaluation_section(summary, links=_links(run.folder.split_maps(split), alone))
    found = read_explained(run, split, summary, name="")
    picture = _picture(drawn_grid([found]), each=2, runs=1)
    return evaluation_section(found.summary, pictures=(picture,), links=_links(found.folder, alone))


def side_by_side_section(runs: Mapping[str, Run], split: str, *, page: Path) -> Section | None:
    """Return the maps of several runs, by name, on the same images; None where no two of them have any.

    Their gallery is written next to the page, as `<page>-maps.html`.

    Raises:
        PredictionsError: a file of maps is missing, damaged or of other images.
        LabelError: a data set is not the one that its run was trained on.
    """
    read = {name: read_summary(run, split, run.results[split].epoch) for name, run in runs.items()}
    summaries = {name: summary for name, summary in read.items() if summary is not None}
    if len(summaries) < 2:
        return None
    if missing := next(filter(None, (missing_images(runs[name]) for name in summaries)), ""):
        return _not_shown(missing)
    found = [read_explained(runs[name], split, summary, name=name) for name, summary in summaries.items()]
    try:
        require_same_square({one.name: one.run.recipe.data for one in found})
        require_same_images({one.name: one.table.image_ids for one in found})
    except ConfigError as error:
        return _not_shown(str(error))
    lacking = [name for name in runs if name not in {one.name for one in found}]
    folder = page.with_name(f"{page.stem}-maps.html")
    progress = next(iter(runs.values())).progress
    pictures, images = gallery(found, progress)
    write_gallery(folder, images)
    return beside_section(
        side_by_side(found, progress),
        title=SIDE_BY_SIDE,
        pictures=(_picture(pictures, each=1, runs=len(found)),),
        links=(_link(folder, page),),
        lacking=lacking,
    )


def _not_shown(reason: str) -> Section:
    return Section(name="maps-side-by-side", title=SIDE_BY_SIDE, prose=f"Not shown: {reason}.")


def _picture(grid: Grid, *, each: int, runs: int) -> GalleryPicture:
    rows = ", a row a run" if runs > 1 else ""
    return GalleryPicture(
        title=f"Hits and misses drawn at random, {each} of each kind{rows}; the line is the border of the lesion mask.",
        description="Lesions with their masks and maps",
        address=as_address(grid.picture(each)),
    )


def _links(folder: MapsFolder, page: Path) -> tuple[Link, ...]:
    """Return the link to the gallery of a run that was explained by itself."""
    return (_link(folder.gallery, page),) if folder.gallery.is_file() else ()


def _link(gallery: Path, page: Path) -> Link:
    # Relative, so that a run folder can be moved with its report.
    address = Path(os.path.relpath(gallery.resolve(), page.resolve().parent)).as_posix()
    return Link("Every image with its maps, to sort and filter", address)
