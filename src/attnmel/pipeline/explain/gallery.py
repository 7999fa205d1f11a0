"""Explained runs -> the page that holds every image of their split with its maps."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from attnmel.data.datasets.splits import draw_some
from attnmel.evaluation.maps.localisation import LESION
from attnmel.evaluation.maps.table import MapColumn
from attnmel.pipeline.explain.grid import drawn_kinds
from attnmel.pipeline.explain.side_by_side import Shown, shown_images
from attnmel.pipeline.explain.stored_maps import ExplainedRun
from attnmel.progress import SILENT, Progress
from attnmel.report.galleries.examples import as_address
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


def gallery(runs: Sequence[ExplainedRun], grid: UInt8[np.ndarray, "H W 3"], progress: Progress = SILENT) -> Gallery:
    """Gather what the page shows; the lesions of the grid are shown larger."""
    first = runs[0]
    ids = first.table.image_ids
    chosen = {at for places in drawn_kinds(first).values() for at in places}
    drawn = draw_some(dict(zip(ids, first.table.labels, strict=True)), MOST)
    images = []
    with progress.bar("gallery", len(ids), "images") as advance:
        for shown in shown_images(runs):
            if ids[shown.place] in drawn:
                images.append(_image(runs, shown, large=shown.place in chosen))
            advance(1)
    return Gallery(
        title=f"Maps of {', '.join(run.name for run in runs)}, {first.summary.split}",
        main=first.main,
        licences=tuple(dict.fromkeys(run.summary.licence for run in runs)),
        runs=tuple(run.name for run in runs),
        maps=tuple(GalleryMap(name, number) for number, run in enumerate(runs) for name in run.methods),
        images=tuple(images),
        of=len(ids),
        grid=as_address(grid),
    )


def _image(runs: Sequence[ExplainedRun], shown: Shown, *, large: bool) -> GalleryImage:
    at, first = shown.place, runs[0]
    return GalleryImage(
        image_id=first.table.image_ids[at],
        label=first.table.labels[at],
        called=tuple(run.table.called[at] for run in runs),
        probabilities=tuple(float(run.predictions.probability(first.main)[at]) for run in runs),
        picture=picture_address(shown.image, large=large),
        border="" if shown.mask is None else border_address(shown.mask),
        maps=tuple(map_address(levels) for levels in shown.levels.values()),
        jaccard=tuple(_jaccard(runs[number], name, at) for number, name in shown.levels),
    )


def _jaccard(run: ExplainedRun, method: str, place: int) -> float | None:
    values = run.table.values.get(MapColumn(method, "jaccard", LESION))
    return None if values is None or math.isnan(values[place]) else round(float(values[place]), 4)
