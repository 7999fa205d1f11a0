"""Images with their masks drawn on, findings first, then a random sample: one HTML file or one PNG.

What a mask leaves out is veiled, so that an inverted or a full mask is seen as what it is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from attnmel.data.preprocess.images import MASK_THRESHOLD
from attnmel.files.folders import replacing
from attnmel.files.own_files import SOFTWARE
from attnmel.report.galleries.examples import as_address
from attnmel.report.html.page import write_template
from attnmel.report.html.sections import Table
from attnmel.saliency.overlays import overlay

SIDE = 240
"""Longer side of a tile in pixels."""

VEIL = 0.6
"""Share of white over what the mask leaves out."""

GAP, LINE, SMALL_TYPE, LARGE_TYPE = 14, 18, 13, 20
ACROSS = 8
"""Tiles in a row of the PNG."""

INK, QUIET, GROUND, PAPER = (29, 30, 32), (90, 93, 97), (217, 217, 211), (253, 253, 251)


@dataclass(frozen=True)
class Tile:
    """One image, or what is in its place where it cannot be opened."""

    title: str
    caption: str
    picture: UInt8[np.ndarray, "H W 3"] | None

    @property
    def address(self) -> str:
        """The picture as a `data:` address; empty without one."""
        return "" if self.picture is None else as_address(self.picture)


@dataclass(frozen=True)
class Group:
    """Tiles of one finding, or of the sample."""

    title: str
    severity: str
    """"error", "warning" or empty."""
    hint: str
    count: int
    """How many there are, of which the tiles are the first."""
    tiles: tuple[Tile, ...]
    notes: tuple[str, ...] = ()
    """What is not about one image."""


@dataclass(frozen=True)
class Sheet:
    """All that is shown of one data set."""

    name: str
    title: str
    verdict: str
    table: Table
    groups: tuple[Group, ...]


def tile_picture(
    image: UInt8[np.ndarray, "H W 3"], mask: UInt8[np.ndarray, "h w"] | None
) -> UInt8[np.ndarray, "y x 3"]:
    """Return the whole frame, its longer side `SIDE` pixels, with the mask's border and all outside it veiled.

    A mask of another size or orientation is stretched over the image: that it does not fit is then seen.
    """
    scale = SIDE / max(image.shape[:2])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    small = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))
    if mask is None:
        return small
    drawn = np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.BILINEAR))
    veiled = np.where((drawn > MASK_THRESHOLD)[..., None], small, small * (1 - VEIL) + 255 * VEIL)
    return overlay(veiled.astype(np.uint8), mask=drawn)


def write_html(path: Path, sheets: Sequence[Sheet]) -> None:
    """Write a page that holds everything it shows."""
    write_template(path, "contact_sheet.html", sheets=sheets, title=", ".join(sheet.title for sheet in sheets))


def write_png(path: Path, sheets: Sequence[Sheet]) -> None:
    """Write the same tiles as one picture."""
    picture = sheet_picture(sheets)
    marked = PngInfo()
    marked.add_text(*SOFTWARE)
    with replacing(path) as part:
        picture.save(part, format="PNG", pnginfo=marked)


def sheet_picture(sheets: Sequence[Sheet]) -> Image.Image:
    """Return the tiles of all data sets, a heading above each group."""
    groups = [(sheet, group) for sheet in sheets for group in sheet.groups if group.tiles]
    row = SIDE + 2 * LINE + GAP
    heights = [LARGE_TYPE + 2 * GAP + row * math.ceil(len(group.tiles) / ACROSS) for _, group in groups]
    across = min(ACROSS, max((len(group.tiles) for _, group in groups), default=1))
    width = max(3, across) * (SIDE + GAP) + GAP
    picture = Image.new("RGB", (width, sum(heights, 3 * GAP)), PAPER)
    draw = ImageDraw.Draw(picture)
    top = GAP
    for (sheet, group), height in zip(groups, heights, strict=True):
        draw.text((GAP, top), _heading(sheet, group), INK, font=ImageFont.load_default(LARGE_TYPE))
        for number, tile in enumerate(group.tiles):
            down, right = divmod(number, ACROSS)
            place = GAP + right * (SIDE + GAP), top + LARGE_TYPE + GAP + down * row
            _put(picture, draw, tile, place)
        top += height
    return picture


def _put(picture: Image.Image, draw: ImageDraw.ImageDraw, tile: Tile, place: tuple[int, int]) -> None:
    left, top = place
    draw.rectangle((left, top, left + SIDE - 1, top + SIDE - 1), fill=GROUND)
    if tile.picture is not None:
        image = Image.fromarray(tile.picture)
        picture.paste(image, (left + (SIDE - image.width) // 2, top + (SIDE - image.height) // 2))
    type_ = ImageFont.load_default(SMALL_TYPE)
    for line, (text, ink) in enumerate(((tile.title, INK), (tile.caption, QUIET))):
        draw.text((left, top + SIDE + 2 + line * LINE), _fitted(draw, text, type_), ink, font=type_)


def _fitted(draw: ImageDraw.ImageDraw, text: str, type_: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """Return the text, or as much of it as a tile has room for."""
    if draw.textlength(text, font=type_) <= SIDE:
        return text
    kept = text
    while kept and draw.textlength(kept + "...", font=type_) > SIDE:
        kept = kept[:-1]
    return kept + "..."


def _heading(sheet: Sheet, group: Group) -> str:
    shown = f", {len(group.tiles)} shown" if len(group.tiles) < group.count else ""
    severity = f"{group.severity}: " if group.severity else ""
    return f"{sheet.title} - {severity}{group.title} ({group.count:,}{shown})"
