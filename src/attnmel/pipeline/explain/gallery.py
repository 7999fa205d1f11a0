"""Explained runs -> the content of the page that shows every image of their split with its maps."""

import math
from collections.abc import Sequence

from attnmel.data.datasets.splits import draw_some
from attnmel.evaluation.maps.localisation import LESION
from attnmel.evaluation.maps.table import MapColumn
from attnmel.pipeline.explain.grid import Grid, block, drawn_places
from attnmel.pipeline.explain.side_by_side import ShownImage, shown_images
from attnmel.pipeline.explain.stored_maps import ExplainedRun
from attnmel.progress import SILENT, Progress
from attnmel.report.galleries.examples import as_address
from attnmel.report.galleries.map_grid import LesionMaps
from attnmel.report.galleries.maps import (
    Gallery,
    GalleryImage,
    GalleryMap,
    border_address,
    map_address,
    picture_address,
)

MOST = 2000
"""Images of a page, some 60 MB with ten maps; of a larger split so many are drawn."""


def gallery(runs: Sequence[ExplainedRun], progress: Progress = SILENT) -> tuple[Grid, Gallery]:
    """Read every map once, and return the grid and the gallery that holds it; the grid's lesions are shown larger."""
    first = runs[0]
    ids, in_grid = first.table.image_ids, drawn_places(first)
    drawn = draw_some(dict(zip(ids, first.table.labels, strict=True)), MOST)
    images: list[GalleryImage] = []
    blocks: dict[int, LesionMaps] = {}
    with progress.bar("gallery", len(ids), "images") as advance:
        for shown in shown_images(runs):
            if shown.place in in_grid:
                blocks[shown.place] = block(runs, shown)
            if ids[shown.place] in drawn:
                images.append(_image(runs, shown, large=shown.place in in_grid))
            advance(1)
    grid = Grid(runs, blocks)
    return grid, Gallery(
        title=f"Maps of {', '.join(run.name for run in runs)}, {first.summary.split}",
        main=first.target_class,
        licences=tuple(dict.fromkeys(run.summary.licence for run in runs)),
        runs=tuple(run.name for run in runs),
        maps=tuple(GalleryMap(name, number) for number, run in enumerate(runs) for name in run.methods),
        images=tuple(images),
        of=len(ids),
        grid=as_address(grid.picture()),
    )


def _image(runs: Sequence[ExplainedRun], shown: ShownImage, *, large: bool) -> GalleryImage:
    at, first = shown.place, runs[0]
    return GalleryImage(
        image_id=first.table.image_ids[at],
        label=first.table.labels[at],
        called=tuple(run.table.called[at] for run in runs),
        probabilities=tuple(float(run.predictions.probability(first.target_class)[at]) for run in runs),
        picture=picture_address(shown.image, large=large),
        border="" if shown.mask is None else border_address(shown.mask),
        maps=tuple(map_address(levels) for levels in shown.levels.values()),
        jaccard=tuple(_jaccard(runs[number], name, at) for number, name in shown.levels),
    )


def _jaccard(run: ExplainedRun, method: str, place: int) -> float | None:
    values = run.table.values.get(MapColumn(method, "jaccard", LESION))
    return None if values is None or math.isnan(values[place]) else round(float(values[place]), 4)
