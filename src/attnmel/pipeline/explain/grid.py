"""Explained runs -> hits and misses of both classes, drawn at random, with every map as one picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from attnmel.data.datasets.splits import draw_some
from attnmel.number_formats import fixed
from attnmel.pipeline.explain.side_by_side import ShownImage, shown_images
from attnmel.pipeline.explain.stored_maps import ExplainedRun
from attnmel.report.galleries.examples import choose
from attnmel.report.galleries.map_grid import CELL, IMAGE, MASK, Band, LesionMaps, column_words, grid_picture
from attnmel.report.html.tables import spaced
from attnmel.saliency.map_files import LEVELS
from attnmel.saliency.methods.registry import BASELINES
from attnmel.saliency.overlays import overlay

EACH = 2
"""Lesions of each kind at most."""


@dataclass(frozen=True)
class Grid:
    """The drawn lesions with the maps of every run: a row a run and a column a method, without the baselines."""

    runs: Sequence[ExplainedRun]
    blocks: Mapping[int, LesionMaps]
    """By the place of the image in the split."""

    def picture(self, each: int = EACH) -> UInt8[np.ndarray, "H W 3"]:
        """Return lesions that the first run has right and wrong, at most `EACH` of each kind."""
        # Of several runs, another may have predicted another class; each one's probability is next to its row.
        by = f", by {self.runs[0].name}" if len(self.runs) > 1 else ""
        bands = [
            Band(f"{title}{by}", tuple(self.blocks[at] for at in chosen))
            for title, chosen in drawn_kinds(self.runs[0], each).items()
            if chosen
        ]
        return grid_picture(bands, _rows(self.runs), [column_words(name) for name in _methods(self.runs)])


def drawn_grid(runs: Sequence[ExplainedRun]) -> Grid:
    """Read the maps of the drawn lesions."""
    places = drawn_places(runs[0])
    return Grid(runs, {shown.place: block(runs, shown) for shown in shown_images(runs) if shown.place in places})


def drawn_places(run: ExplainedRun) -> set[int]:
    """Return the places of all drawn images, `EACH` of each kind."""
    return {at for chosen in drawn_kinds(run).values() for at in chosen}


def drawn_kinds(run: ExplainedRun, each: int = EACH) -> dict[str, list[int]]:
    """Return the places of some true and false positives and negatives, drawn at random; the same every time."""
    predictions, target_class = run.predictions, run.target_class
    found = {}
    for choice in choose(predictions, target_class, each=len(predictions.image_ids)):
        ids = {predictions.image_ids[row]: row for row in choice.rows}
        drawn = sorted(draw_some(dict.fromkeys(ids), each))
        found[choice.kind.heading.format(spaced(target_class))] = [ids[image_id] for image_id in drawn]
    return found


def _rows(runs: Sequence[ExplainedRun]) -> list[str]:
    """Return the name of each row; empty for a single run, which the page names."""
    return [run.name for run in runs] if len(runs) > 1 else [""]


def _methods(runs: Sequence[ExplainedRun]) -> list[str]:
    every = list(dict.fromkeys(name for run in runs for name in run.methods))
    # Baselines need no picture, unless there is nothing else.
    return [name for name in every if name not in BASELINES] or every


def block(runs: Sequence[ExplainedRun], shown: ShownImage) -> LesionMaps:
    """Return one lesion with its mask and the maps of every run."""
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
    probabilities = [_probability(run, shown.place) for run in runs]
    if len(runs) > 1:
        return LesionMaps(_title(runs[0], shown.place), cells, dict(zip(rows, probabilities, strict=True)))
    return LesionMaps(f"{_title(runs[0], shown.place)}, {probabilities[0]}", cells)


def _title(run: ExplainedRun, place: int) -> str:
    return f"{run.table.image_ids[place]}: {spaced(run.table.labels[place])}"


def _probability(run: ExplainedRun, place: int) -> str:
    return f"probability of {spaced(run.target_class)} {fixed(run.predictions.probability(run.target_class)[place], 2)}"
