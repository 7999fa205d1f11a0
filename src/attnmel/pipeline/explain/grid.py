"""Explained runs -> hits and misses of both classes, drawn by chance, with every map as one picture."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from attnmel.data.datasets.splits import draw_some
from attnmel.pipeline.explain.side_by_side import Shown, shown_images
from attnmel.pipeline.explain.stored_maps import ExplainedRun
from attnmel.report.galleries.examples import choose
from attnmel.report.galleries.map_grid import CELL, IMAGE, MASK, Band, Block, column_words, grid_picture
from attnmel.report.html.tables import spaced
from attnmel.saliency.map_files import LEVELS
from attnmel.saliency.methods.registry import CONTROLS
from attnmel.saliency.overlays import overlay

EACH = 2
"""Lesions of each kind, where nothing else is said."""


def grid(runs: Sequence[ExplainedRun], each: int = EACH) -> UInt8[np.ndarray, "H W 3"]:
    """Draw lesions that the first run has right and wrong, a row a run and a column a method, without controls."""
    kinds = drawn_kinds(runs[0], each)
    places = {at for chosen in kinds.values() for at in chosen}
    blocks = {shown.place: _block(runs, shown) for shown in shown_images(runs) if shown.place in places}
    # Of several runs, another may have called a lesion otherwise; what each said stands beside its row.
    by = f", by {runs[0].name}" if len(runs) > 1 else ""
    bands = [Band(f"{title}{by}", tuple(blocks[at] for at in chosen)) for title, chosen in kinds.items() if chosen]
    return grid_picture(bands, _rows(runs), [column_words(name) for name in _methods(runs)])


def drawn_kinds(run: ExplainedRun, each: int = EACH) -> dict[str, list[int]]:
    """Return the places of some images of each of the four ways in which truth and call meet; the same every time."""
    predictions, main = run.predictions, run.main
    found = {}
    for choice in choose(predictions, main, each=len(predictions.image_ids)):
        ids = {predictions.image_ids[row]: row for row in choice.rows}
        drawn = sorted(draw_some(dict.fromkeys(ids), each))
        found[choice.kind.heading.format(spaced(main))] = [ids[image_id] for image_id in drawn]
    return found


def _rows(runs: Sequence[ExplainedRun]) -> list[str]:
    """Return what stands beside each row; of a single run the page says what it is."""
    return [run.name for run in runs] if len(runs) > 1 else [""]


def _methods(runs: Sequence[ExplainedRun]) -> list[str]:
    every = list(dict.fromkeys(name for run in runs for name in run.methods))
    # Controls are worth a figure, not a picture, unless there is nothing else.
    return [name for name in every if name not in CONTROLS] or every


def _block(runs: Sequence[ExplainedRun], shown: Shown) -> Block:
    rows, mask = _rows(runs), shown.mask
    image = np.asarray(Image.fromarray(shown.image).resize((CELL, CELL), Image.Resampling.LANCZOS))
    cells = {(rows[0], IMAGE): image}
    if mask is not None:
        mask = np.asarray(Image.fromarray(mask).resize((CELL, CELL), Image.Resampling.BILINEAR))
        cells[rows[0], MASK] = np.repeat(mask[..., None], 3, axis=-1)
    for number, row in enumerate(rows):
        for name in _methods(runs):
            if (number, name) in shown.levels:
                attention = shown.levels[number, name].astype(np.float32) / LEVELS
                cells[row, column_words(name)] = overlay(image, attention, mask)
    said = [_said(run, shown.place) for run in runs]
    if len(runs) > 1:
        return Block(_title(runs[0], shown.place), cells, dict(zip(rows, said, strict=True)))
    return Block(f"{_title(runs[0], shown.place)}, {said[0]}", cells)


def _title(run: ExplainedRun, place: int) -> str:
    return f"{run.table.image_ids[place]}: {spaced(run.table.labels[place])}"


def _said(run: ExplainedRun, place: int) -> str:
    return f"probability of {spaced(run.main)} {run.predictions.probability(run.main)[place]:.2f}"
