"""Explained runs -> hits and misses of both classes, drawn by chance, with every map as one picture."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from attnmel.data.splits import draw_some
from attnmel.explain.map_files import LEVELS
from attnmel.explain.methods import CONTROLS
from attnmel.explain.overlays import overlay
from attnmel.pipeline.explain_split import Explained
from attnmel.pipeline.shown_maps import Shown, shown_images
from attnmel.report.examples import choose
from attnmel.report.map_grid import CELL, IMAGE, MASK, Band, Block, grid_picture, place
from attnmel.report.tables import spaced

EACH = 2
"""Lesions of each kind."""


def grid(runs: Sequence[Explained]) -> UInt8[np.ndarray, "H W 3"]:
    """Draw lesions that the first run has right and wrong, a row for each run and family of methods."""
    kinds = drawn_kinds(runs[0])
    places = {at for chosen in kinds.values() for at in chosen}
    rows = list(dict.fromkeys(_row(runs, key) for key in _keys(runs)))
    blocks = {shown.place: _block(runs, shown, rows[0]) for shown in shown_images(runs) if shown.place in places}
    return grid_picture(
        [Band(title, tuple(blocks[at] for at in chosen)) for title, chosen in kinds.items() if chosen], rows
    )


def drawn_kinds(run: Explained) -> dict[str, list[int]]:
    """Return the places of some images of each of the four ways in which truth and call meet; the same every time."""
    predictions, main = run.asked.predictions, run.asked.card.positives[0]
    found = {}
    for choice in choose(predictions, main, each=len(predictions.image_ids)):
        ids = {predictions.image_ids[row]: row for row in choice.rows}
        drawn = sorted(draw_some(dict.fromkeys(ids), EACH))
        found[choice.kind.heading.format(spaced(main))] = [ids[image_id] for image_id in drawn]
    return found


def _keys(runs: Sequence[Explained]) -> list[tuple[int, str]]:
    every = [(number, name) for number, run in enumerate(runs) for name in run.methods]
    # Controls are worth a figure, not a picture, unless there is nothing else.
    return [(number, name) for number, name in every if name not in CONTROLS] or every


def _row(runs: Sequence[Explained], key: tuple[int, str]) -> str:
    number, method = key
    words, _ = place(method)
    return f"{runs[number].name}: {words}" if len(runs) > 1 else words


def _block(runs: Sequence[Explained], shown: Shown, first_row: str) -> Block:
    image = np.asarray(Image.fromarray(shown.image).resize((CELL, CELL), Image.Resampling.LANCZOS))
    mask = shown.mask
    if mask is not None:
        mask = np.asarray(Image.fromarray(mask).resize((CELL, CELL), Image.Resampling.BILINEAR))
    cells = {(first_row, IMAGE): image}
    if mask is not None:
        cells[first_row, MASK] = np.repeat(mask[..., None], 3, axis=-1)
    for key in _keys(runs):
        attention = shown.levels[key].astype(np.float32) / LEVELS
        cells[_row(runs, key), place(key[1])[1]] = overlay(image, attention, mask)
    table, predictions = runs[0].table, runs[0].asked.predictions
    main = runs[0].asked.card.positives[0]
    share = predictions.probability(main)[shown.place]
    title = f"{table.image_ids[shown.place]}: {spaced(table.labels[shown.place])}, {spaced(main)} {share:.2f}"
    return Block(title, cells)
