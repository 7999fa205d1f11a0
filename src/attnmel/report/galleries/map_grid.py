"""Lesions with every map as one picture, laid out as the slides do: image, mask, then the maps, a row a network."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from attnmel.report.html.tables import map_words

CELL = 224
"""Side of a picture in pixels: what a network of the recipes sees, so that nothing is lost."""

GAP, LINE, MARGIN, SMALL_TYPE, LARGE_TYPE = 6, 32, 225, 18, 25
INK, QUIET, EDGE, PAPER = (29, 30, 32), (90, 93, 97), (217, 217, 211), (253, 253, 251)

IMAGE, MASK = "image", "lesion mask"
WORDS = {"cam": "CAM", "gradcam": "Grad-CAM"}

Picture = UInt8[np.ndarray, "c c 3"]
Type = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class LesionMaps:
    """One lesion."""

    title: str
    cells: dict[tuple[str, str], Picture]
    """Pictures by row and column; image and mask are in the first row, and a lesion may have no mask."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """What is below the name of a row, such as the output of that network."""


@dataclass(frozen=True)
class Band:
    """Lesions of one kind, one below another."""

    title: str
    blocks: tuple[LesionMaps, ...]


def column_words(method: str) -> str:
    """Return a method's name as the head of a column."""
    start, _, stage = method.partition("-")
    return f"{WORDS.get(start, start)} {map_words(stage)}".strip()


def grid_picture(bands: Sequence[Band], rows: Sequence[str], columns: Sequence[str]) -> UInt8[np.ndarray, "H W 3"]:
    """Draw the bands one below another; `rows` and `columns` are those of the maps, in their order."""
    every = (IMAGE, MASK, *columns)
    block = LINE + len(rows) * (CELL + GAP)
    height = sum(3 * LINE + len(band.blocks) * block for band in bands)
    margin = MARGIN if any(rows) else GAP
    picture = Image.new("RGB", (margin + len(every) * (CELL + GAP), height), PAPER)
    draw = ImageDraw.Draw(picture)
    top = 0
    for band in bands:
        _draw_heads(draw, band.title, every, (margin, top))
        top += 2 * LINE
        for one in band.blocks:
            _draw_block(picture, draw, one, rows, every, (margin, top))
            top += block
        top += LINE
    return np.asarray(picture)


def _draw_heads(draw: ImageDraw.ImageDraw, title: str, columns: Sequence[str], at: tuple[int, int]) -> None:
    left, top = at
    draw.text((GAP, top + GAP), title, INK, font=ImageFont.load_default(LARGE_TYPE))
    for number, column in enumerate(columns):
        place = left + number * (CELL + GAP), top + LINE + 2 * GAP
        draw.text(place, column, QUIET, font=ImageFont.load_default(SMALL_TYPE))


def _draw_block(
    picture: Image.Image,
    draw: ImageDraw.ImageDraw,
    block: LesionMaps,
    rows: Sequence[str],
    columns: Sequence[str],
    at: tuple[int, int],
) -> None:
    margin, top = at
    small = ImageFont.load_default(SMALL_TYPE)
    draw.text((margin, top + GAP), block.title, INK, font=small)
    for number, row in enumerate(rows):
        left, upper = GAP, top + LINE + number * (CELL + GAP)
        for text, colour in ((row, INK), (block.notes.get(row, ""), QUIET)):
            for line in _lines(draw, text, small):
                draw.text((left, upper), line, colour, font=small)
                upper += SMALL_TYPE + GAP
    for (row, column), cell in block.cells.items():
        left, upper = margin + columns.index(column) * (CELL + GAP), top + LINE + rows.index(row) * (CELL + GAP)
        picture.paste(Image.fromarray(cell), (left, upper))
        # Without it a mask that is white all over would be lost on the paper.
        draw.rectangle((left, upper, left + CELL - 1, upper + CELL - 1), outline=EDGE)


def _lines(draw: ImageDraw.ImageDraw, text: str, type_: Type) -> Iterator[str]:
    """Break a text into lines that the margin has room for."""
    line = ""
    for word in text.replace("/", "/ ").split():
        longer = line + word if line.endswith("/") or not line else f"{line} {word}"
        if line and draw.textlength(longer, font=type_) > MARGIN - 2 * GAP:
            yield line
            line = word
        else:
            line = longer
    yield line
