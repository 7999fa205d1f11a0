"""`attnmel.datasets.make_folder`: a data set of the user's own, from arrays, pictures or files."""

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from attnmel.api.places import Place, kind_of
from attnmel.arguments import checked_arguments
from attnmel.data.datasets.own.columns import TABLE
from attnmel.data.image_files.formats import SUFFIXES
from attnmel.errors import ConfigError, LabelError, listed, require_known
from attnmel.files.data_frames import is_missing
from attnmel.files.table_files import write_table
from attnmel.records import ATTRIBUTES, SPLITS

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

IMAGES = "images"
"""Folder of the images, next to the table."""

CHANNELS = 3

PNG_MODES = ("1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA")
"""Of the pictures of Pillow that are written as PNG."""


@checked_arguments()
def make_folder(
    folder: Place,
    images: "Sequence[Place | np.ndarray | PillowImage]",
    labels: Sequence[object],
    *,
    groups: Sequence[object] | None = None,
    splits: Sequence[str] | None = None,
    **attributes: Sequence[object] | None,
) -> Path:
    """Write a data set of your own, a folder with labels.csv that every function and command takes; return its path.

    Shapes: N images, each a path, a picture of Pillow or an array (height, width, 3) of 8-bit RGB; N labels, the names
    of the classes; N `groups`, the lesion or patient of each image, which stay in one split; N `splits` of train,
    validation and test, drawn once where they are not given; N of each attribute (age, sex, site, laterality,
    confirmation, source). Arrays and pictures are written as PNG, files are linked (copied where they cannot be).

    Raises:
        ConfigError: the folder holds something already, an unknown attribute, or one path in place of a list of images.
        LabelError: columns of unequal length, an image that is none, or a split of another name.
    """
    if isinstance(images, str | os.PathLike | Mapping) or not isinstance(images, Iterable):
        found = repr(str(images)) if isinstance(images, str | os.PathLike) else kind_of(images)
        raise ConfigError(f"images is {found}; expected a list, each of it a file, a picture or an array")
    images = list(images)
    place, columns = Path(folder), {"label": labels, "group": groups, "split": splits, **attributes}
    for name in attributes:
        require_known("attribute", name, ATTRIBUTES)
    given = {
        name: ["" if is_missing(one) else one for one in values]
        for name, values in columns.items()
        if values is not None
    }
    if uneven := [f"{len(values)} {name}s" for name, values in given.items() if len(values) != len(images)]:
        raise LabelError(f"{len(images)} images and {', '.join(uneven)}; expected one for each image")
    if not len(images):
        raise LabelError("no image; expected at least one of each class")
    if unknown := sorted({str(one) for one in given.get("split", ())} - set(SPLITS)):
        raise LabelError(f"splits of the name {listed(unknown)}; expected {', '.join(SPLITS)} for every image, or none")
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise ConfigError(f"{place} is there already and not empty; name a new folder")
    digits = len(str(len(images) - 1))
    checked = [_checked(one, row) for row, one in enumerate(images)]
    (place / IMAGES).mkdir(parents=True, exist_ok=True)
    files = [_put(one, place / IMAGES, f"{row:0{digits}}") for row, one in enumerate(checked)]
    rows = zip([f"{IMAGES}/{name}" for name in files], *given.values(), strict=True)
    write_table(place / TABLE, ["image", *given], rows)
    return place


def _checked(image: Any, row: int) -> "Path | PillowImage":  # noqa: ANN401 - as given
    """Return an image as a file or a picture; what is none is refused before anything is written."""
    from PIL import Image

    if isinstance(image, str | os.PathLike):
        path = Path(image)
        if not path.is_file() or path.suffix.lower() not in SUFFIXES:
            raise LabelError(f"image {row} is {path}, which is no image file that is read ({', '.join(SUFFIXES)})")
        return path
    if isinstance(image, Image.Image):
        return _loaded(image, row)
    pixels = np.asarray(image)
    if pixels.dtype != np.uint8 or pixels.ndim != CHANNELS or pixels.shape[2] != CHANNELS or not pixels.size:
        raise LabelError(
            f"image {row} is an array of {pixels.dtype} of shape {pixels.shape}; expected uint8 of shape (height, "
            "width, 3), as by (255 * image).round().astype('uint8')"
        )
    return Image.fromarray(np.ascontiguousarray(pixels))


def _loaded(image: "PillowImage", row: int) -> "PillowImage":
    """Return a picture with its pixels, of a kind that PNG holds."""
    if image.mode not in PNG_MODES:
        raise LabelError(f"image {row} is a picture of the mode {image.mode}, which PNG lacks; convert it to RGB first")
    try:
        image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise LabelError(
            f"image {row} is a picture that cannot be read ({error}); replace it, or leave it out"
        ) from error
    return image


def _put(image: "Path | PillowImage", folder: Path, number: str) -> str:
    """Put an image into the folder under a name of its own, and return the name."""
    if not isinstance(image, Path):
        image.save(folder / f"{number}.png")
        return f"{number}.png"
    name = f"{number}-{image.name}"
    try:
        (folder / name).hardlink_to(image.resolve())
    except OSError:  # another disk, or one that knows no links
        shutil.copyfile(image, folder / name)
    return name
