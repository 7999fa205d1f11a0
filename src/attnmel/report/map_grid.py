"""Lesions with every map as one picture, laid out as the slides do: image, mask, then a row a network or method."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from attnmel.explain.methods import OWN_LAYER

CELL = 152
"""Side of a picture in pixels."""

GAP, SPACE, MARGIN, SMALL_TYPE, LARGE_TYPE = 4, 26, 150, 14, 19
INK, QUIET, PAPER = (29, 30, 32), (90, 93, 97), (253, 253, 251)

IMAGE, MASK, WHOLE = "image", "lesion mask", "whole network"
FAMILIES = {"attention-": "attention", "gradcam-": "Grad-CAM"}
STAGES = {"pool3": "pool-3", "pool4": "pool-4", "pool5": "pool-5"}

Picture = UInt8[np.ndarray, "c c 3"]


@dataclass(frozen=True)
class Block:
    """One lesion: its pictures by row and column; image and mask stand in the first row."""

    title: str
    cells: dict[tuple[str, str], Picture]


@dataclass(frozen=True)
class Band:
    """Lesions of one kind, side by side."""

    title: str
    blocks: tuple[Block, ...]


def place(method: str) -> tuple[str, str]:
    """Return the row and the column of a method: stages are columns, what is of no stage stands in the last one."""
    for start, words in FAMILIES.items():
        if (stage := method.removeprefix(start)) in STAGES and method.startswith(start):
            return words, STAGES[stage]
    if method.startswith(OWN_LAYER):
        return f"Grad-CAM {method.removeprefix(OWN_LAYER)}", WHOLE
    return method.replace("-", " ") if method != "cam" else "CAM", WHOLE


def grid_picture(bands: Sequence[Band], rows: Sequence[str]) -> UInt8[np.ndarray, "H W 3"]:
    """Draw the bands one below another; a column that no block has is left out."""
    known = (IMAGE, MASK, *STAGES.values(), WHOLE)
    held = {column for band in bands for block in band.blocks for _, column in block.cells}
    columns = [column for column in known if column in held]
    step, across = CELL + GAP, max((len(band.blocks) for band in bands), default=1)
    width = MARGIN + across * (len(columns) * step + SPACE)
    height = SPACE + sum(_height(rows) for _ in bands)
    picture = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(picture)
    for number, band in enumerate(bands):
        _draw_band(picture, draw, band, rows, columns, GAP + number * _height(rows))
    return np.asarray(picture)


def _height(rows: Sequence[str]) -> int:
    return 3 * SPACE + len(rows) * (CELL + GAP) + SPACE // 2


def _draw_band(
    picture: Image.Image,
    draw: ImageDraw.ImageDraw,
    band: Band,
    rows: Sequence[str],
    columns: Sequence[str],
    top: int,
) -> None:
    large, small = ImageFont.load_default(LARGE_TYPE), ImageFont.load_default(SMALL_TYPE)
    draw.text((GAP, top + SPACE // 4), band.title, INK, font=large)
    first = top + 3 * SPACE
    for number, row in enumerate(rows):
        draw.multiline_text((GAP, first + number * (CELL + GAP)), _wrapped(draw, row, small), INK, font=small)
    for number, block in enumerate(band.blocks):
        left = MARGIN + number * (len(columns) * (CELL + GAP) + SPACE)
        draw.text((left, top + SPACE + 8), block.title, QUIET, font=small)
        for across, column in enumerate(columns):
            draw.text((left + across * (CELL + GAP), top + 2 * SPACE + 6), column, QUIET, font=small)
        for (row, column), cell in block.cells.items():
            at = left + columns.index(column) * (CELL + GAP), first + rows.index(row) * (CELL + GAP)
            picture.paste(Image.fromarray(cell), at)


def _wrapped(draw: ImageDraw.ImageDraw, text: str, type_: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """Break a text into lines that the margin has room for."""
    lines = [""]
    for word in text.replace("/", "/ ").split():
        longer = f"{lines[-1]} {word}".strip().replace("/ ", "/")
        fits = draw.textlength(longer, font=type_) <= MARGIN - 2 * GAP
        lines = [*lines[:-1], longer] if fits or not lines[-1] else [*lines, word]
    return "\n".join(lines)
