"""A run's split -> the maps of every method on all of its images, and what they are worth, in files."""

from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from attnmel.evaluation.maps.summary import MapSummary, summarised
from attnmel.evaluation.maps.table import MapColumn, MapTable
from attnmel.folders import MapsFolder, replacing
from attnmel.pipeline.explain.annotations import Annotations
from attnmel.pipeline.explain.metrics import ASKING, OF_MAPS, MapBatch, MethodBatch, Values
from attnmel.pipeline.explain.stored_maps import ExplainedRun
from attnmel.pipeline.run.dataset import shown_pixels
from attnmel.pipeline.run.open_split import SplitModel
from attnmel.progress import SILENT, Progress
from attnmel.report.sections.maps import summary_text
from attnmel.saliency.map_files import map_file
from attnmel.saliency.methods.registry import build_method, maps_of, passes
from attnmel.saliency.sanity import painted_out

Columns = dict[MapColumn, Float[np.ndarray, " N"]]


def explain_split(
    asked: SplitModel,
    methods: Sequence[str],
    marks: Annotations,
    *,
    measures: Sequence[str],
    limit: int,
    folder: MapsFolder,
    progress: Progress = SILENT,
) -> ExplainedRun:
    """Write the maps of a split's images, the table of their measures and its summary.

    Each map is asked for the class that the network calls. The measures of `OF_MAPS` are of all images, those of
    `ASKING`, which ask the network again, of `limit` images, drawn by class. One batch of images is held at a time.

    Raises:
        ConfigError: the network has no such map.
    """
    asking, places = [name for name in measures if name in ASKING], asked.some(limit)
    progress.note(_cost(asked, methods, asking, len(places)))
    columns = _map_all(asked, methods, marks, [name for name in measures if name in OF_MAPS], folder, progress)
    for name in methods:
        columns |= _ask_again(asked, name, asking, places, progress)
    table = MapTable.of(asked.predictions, columns)
    table.write(folder.table, asked.card.licence)
    summary = summarised(
        table,
        methods,
        masks=marks.images,
        split=asked.split,
        name=asked.name,
        epoch=asked.card.epoch,
        licence=asked.card.licence,
        progress=progress,
    )
    write_summary(folder, summary)
    return ExplainedRun(
        name=asked.name,
        folder=folder,
        main=asked.main,
        data=asked.data,
        prepared=asked.prepared,
        rows=asked.rows,
        predictions=asked.predictions,
        table=table,
        summary=summary,
    )


def _map_all(
    asked: SplitModel,
    methods: Sequence[str],
    marks: Annotations,
    measures: Sequence[str],
    folder: MapsFolder,
    progress: Progress,
) -> Columns:
    """Write the maps of all methods, and return what is measured of them without asking the network again."""
    ids, found = asked.predictions.image_ids, []
    with ExitStack() as files, progress.bar("maps", len(ids), "images") as advance:
        add = {
            name: files.enter_context(map_file(folder.maps(name), ids, asked.card.size, asked.card.licence))
            for name in methods
        }
        for places, images in asked.batches(np.arange(len(ids))):
            called = asked.called[places]
            made = maps_of(asked.network, images, called, methods, progress=progress)
            maps = {name: one.float().cpu().numpy() for name, one in made.items()}
            for name, one in maps.items():
                add[name](one)
            case = MapBatch(maps, asked.network, images, called, tuple(marks.targets(places)) if measures else ())
            found.append({column: some for name in measures for column, some in OF_MAPS[name](case).items()})
            advance(len(places))
    return {column: np.concatenate([one[column] for one in found]) for column in found[0]}


def _ask_again(
    asked: SplitModel, name: str, measures: Sequence[str], some: Int[np.ndarray, " n"], progress: Progress
) -> Columns:
    """Return the measures that ask the network again, NaN for the images that it was not asked about."""
    columns: Columns = {}
    if not measures:
        return columns
    with progress.bar(f"{', '.join(measures)}: {name}", len(some), "images") as advance:
        for places, images in asked.batches(some):
            case = _case(asked, name, places, images)
            for measure in measures:
                _fill(columns, name, places, len(asked.rows), ASKING[measure].of(case))
            advance(len(places))
    return columns


def _case(asked: SplitModel, name: str, places: np.ndarray, images: Tensor) -> MethodBatch:
    method, classes = build_method(name), asked.called[places]
    pixels = np.ascontiguousarray(shown_pixels(asked.data, asked.prepared, asked.rows[places]))
    painted = painted_out(pixels, asked.card.mean, asked.card.std).to(asked.device)
    has_lesion = pixels[..., 3].max(axis=(1, 2)) > 0
    return MethodBatch(
        method, asked.network, images, painted, has_lesion, classes, method(asked.network, images, classes)
    )


def _fill(columns: Columns, name: str, places: np.ndarray, count: int, values: Values) -> None:
    for (measure, target), some in values.items():
        columns.setdefault(MapColumn(name, measure, target), np.full(count, np.nan))[places] = some


def write_summary(folder: MapsFolder, summary: MapSummary) -> None:
    """Write a summary for programs and for people."""
    summary.write(folder.summary)
    with replacing(folder.text) as part:
        part.write_text(summary_text(summary), encoding="utf-8")


def _cost(asked: SplitModel, names: Sequence[str], measures: Sequence[str], some: int) -> str:
    """Say what is ahead: forward passes of single images, and their time at the speed of the predictions."""
    side, images = asked.card.size, len(asked.rows)
    costs = [passes([name], side) for name in names]
    parts = {f"the maps of {images:,} images": passes(names, side) * images}
    parts |= {f"{one} on {some:,}": sum(map(ASKING[one].passes, costs)) * some for one in measures}
    told = ", ".join(f"{count:,} for {what}" for what, count in parts.items())
    minutes = sum(parts.values()) * asked.seconds / 60
    return f"{asked.name}: forward passes: {told}; about {max(1, round(minutes))} min at the speed of the predictions"
