"""Every image of a split with its maps as one page: sorted, filtered, and a slider from image to map.

The page is self-contained and loads nothing from the network; its one script is allowed by its hash.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from markupsafe import Markup
from PIL import Image

from attnmel.report.galleries.examples import as_address
from attnmel.report.html.page import write_template
from attnmel.saliency.overlays import border_layer, map_layer

SIDE, LARGE, MAP_SIDE = 128, 288, 56
"""Sides of a picture, of a chosen one, and of a map, in pixels: maps are smooth, and the browser enlarges them so."""


@dataclass(frozen=True)
class GalleryMap:
    """One map of every image."""

    name: str
    run: int
    """Place of the run that it is of."""


@dataclass(frozen=True, kw_only=True)
class GalleryImage:
    """One image; what belongs to a run or a map is in their order."""

    image_id: str
    label: str
    """True class; empty where it is not known."""
    called: tuple[str, ...]
    """The class that each run called; empty where two share the highest probability."""
    probabilities: tuple[float, ...]
    """Of the main class, by run."""
    picture: str
    """`data:` address, as that of border and maps."""
    border: str
    """Empty without a lesion mask."""
    maps: tuple[str, ...]
    jaccard: tuple[float | None, ...]
    """With the lesion, by map."""


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """All that the page shows."""

    title: str
    main: str
    """The class whose probability is shown."""
    licences: tuple[str, ...]
    runs: tuple[str, ...]
    maps: tuple[GalleryMap, ...]
    images: tuple[GalleryImage, ...]
    of: int
    """Images of the split, of which these may be a part."""
    grid: str = ""
    """`data:` address of the picture of some hits and misses."""
    note: str = ""


def picture_address(image: UInt8[np.ndarray, "s s 3"], *, large: bool = False) -> str:
    """Return an image as the page shows it."""
    side = min(LARGE if large else SIDE, len(image))
    return as_address(np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS)))


def border_address(mask: UInt8[np.ndarray, "s s"]) -> str:
    """Return the border of a lesion as the page shows it, over image and map."""
    return as_address(border_layer(np.asarray(Image.fromarray(mask).resize((SIDE, SIDE), Image.Resampling.BILINEAR))))


def map_address(levels: UInt8[np.ndarray, "s s"]) -> str:
    """Return a map of 0 to 255 as the page shows it."""
    side = min(MAP_SIDE, len(levels))
    return as_address(map_layer(np.asarray(Image.fromarray(levels).resize((side, side), Image.Resampling.BOX))))


def write_gallery(path: Path, gallery: Gallery) -> None:
    """Write the page."""
    script = files("attnmel.report.html").joinpath("templates", "gallery.js").read_text(encoding="utf-8")
    labels = sorted({one.label for one in gallery.images} - {""})
    write_template(
        path,
        "gallery.html",
        gallery=gallery,
        labels=labels,
        # No text of a user's ends the element that it is in.
        figures=Markup(json.dumps(_figures(gallery), allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _figures(gallery: Gallery) -> Mapping[str, Sequence[object]]:
    """Return what the script sorts, filters and shows; images in the order of the page."""
    return {
        "maps": [one.run for one in gallery.maps],
        "images": [
            {name: getattr(one, name) for name in ("maps", "jaccard", "probabilities", "called", "label")}
            for one in gallery.images
        ],
    }
