"""A run's split -> the maps of every method on all of its images, and their measures, in files."""

from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from attnmel.evaluation.maps.summary import MapSummary, summarised
from attnmel.evaluation.maps.table import MapColumn, MapTable
from attnmel.files.folders import MapsFolder, write_text
from attnmel.pipeline.explain.annotations import Annotations
from attnmel.pipeline.explain.metrics import OF_MAPS, RERUN, MapBatch, MethodBatch, Values
from attnmel.pipeline.explain.stored_maps import ExplainedRun
from attnmel.pipeline.run.images.dataset import shown_pixels
from attnmel.pipeline.run.open_split import SplitModel
from attnmel.report.sections.maps import summary_text
from attnmel.saliency.map_files import map_file
from attnmel.saliency.methods.registry import build_method, maps_of, passes
from attnmel.saliency.sanity import painted_out

Columns = dict[MapColumn, Float[np.ndarray, " N"]]


def explain_split(
    model: SplitModel,
    methods: Sequence[str],
    annotations: Annotations,
    *,
    measures: Sequence[str],
    limit: int,
    folder: MapsFolder,
) -> ExplainedRun:
    """Write the maps of a split's images, the table of their measures and its summary.

    Each map explains the predicted class. The measures of `OF_MAPS` are of all images; those of `RERUN`, which run the
    network again, are of `limit` images, drawn by class. One batch of images is in memory at a time.

    Raises:
        ConfigError: the network has no such map.
    """
    rerun, places = [name for name in measures if name in RERUN], model.some(limit)
    model.run.progress.note(_cost(model, methods, rerun, len(places)))
    columns = _map_all(model, methods, annotations, [name for name in measures if name in OF_MAPS], folder)
    for name in methods:
        columns |= _rerun(model, name, rerun, places)
    table = MapTable.of(model.predictions, columns)
    table.write(folder.table, model.card.licence)
    summary = summarised(
        table,
        methods,
        masks=annotations.images,
        split=model.split,
        name=model.name,
        epoch=model.card.epoch,
        licence=model.card.licence,
        progress=model.run.progress,
    )
    write_summary(folder, summary)
    return ExplainedRun(
        name=model.name,
        folder=folder,
        run=model.run,
        rows=model.rows,
        predictions=model.predictions,
        table=table,
        summary=summary,
    )


def _map_all(
    model: SplitModel,
    methods: Sequence[str],
    annotations: Annotations,
    measures: Sequence[str],
    folder: MapsFolder,
) -> Columns:
    """Write the maps of all methods, and return the measures that need no further run of the network."""
    ids, found = model.predictions.image_ids, []
    with ExitStack() as files, model.run.progress.bar("maps", len(ids), "images") as advance:
        add = {
            name: files.enter_context(map_file(folder.maps(name), ids, model.card.size, model.card.licence))
            for name in methods
        }
        for places, images in model.batches(np.arange(len(ids))):
            called = model.called[places]
            made = maps_of(model.network, images, called, methods, progress=model.run.progress)
            maps = {name: one.float().cpu().numpy() for name, one in made.items()}
            for name, one in maps.items():
                add[name](one)
            case = MapBatch(maps, model.network, images, called, tuple(annotations.targets(places)) if measures else ())
            found.append({column: some for name in measures for column, some in OF_MAPS[name](case).items()})
            advance(len(places))
    return {column: np.concatenate([one[column] for one in found]) for column in found[0]}


def _rerun(model: SplitModel, name: str, measures: Sequence[str], some: Int[np.ndarray, " n"]) -> Columns:
    """Return the measures that run the network again; NaN for the images that are not among `some`."""
    columns: Columns = {}
    if not measures:
        return columns
    with model.run.progress.bar(f"{', '.join(measures)}: {name}", len(some), "images") as advance:
        for places, images in model.batches(some):
            case = _case(model, name, places, images)
            for measure in measures:
                _fill(columns, name, places, len(model.rows), RERUN[measure].of(case))
            advance(len(places))
    return columns


def _case(model: SplitModel, name: str, places: np.ndarray, images: Tensor) -> MethodBatch:
    method, classes = build_method(name), model.called[places]
    pixels = np.ascontiguousarray(shown_pixels(model.data, model.prepared, model.rows[places]))
    painted = painted_out(pixels, model.card.mean, model.card.std).to(model.device)
    has_lesion = pixels[..., 3].max(axis=(1, 2)) > 0
    return MethodBatch(
        method, model.network, images, painted, has_lesion, classes, method(model.network, images, classes)
    )


def _fill(columns: Columns, name: str, places: np.ndarray, count: int, values: Values) -> None:
    for (measure, target), some in values.items():
        columns.setdefault(MapColumn(name, measure, target), np.full(count, np.nan))[places] = some


def write_summary(folder: MapsFolder, summary: MapSummary) -> None:
    """Write a summary for programs and for people."""
    summary.write(folder.summary)
    write_text(folder.text, summary_text(summary))


def _cost(model: SplitModel, names: Sequence[str], measures: Sequence[str], some: int) -> str:
    """Return the cost in forward passes of single images, and their time at the speed of the predictions."""
    side, images = model.card.size, len(model.rows)
    costs = [passes([name], side) for name in names]
    parts = {f"the maps of {images:,} images": passes(names, side) * images}
    parts |= {f"{one} on {some:,}": sum(map(RERUN[one].passes, costs)) * some for one in measures}
    counts = ", ".join(f"{count:,} for {what}" for what, count in parts.items())
    minutes = sum(parts.values()) * model.seconds / 60
    return f"{model.name}: forward passes: {counts}; about {max(1, round(minutes))} min at the speed of the predictions"
