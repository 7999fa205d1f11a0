"""Open a JPEG or PNG file safely: what it is, how large, its pixels upright. No torch.

Other formats, very large pictures and damaged files are refused with the file's name, before or while they are decoded.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Literal

from PIL import ExifTags, Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from attnmel.errors import ImageError

# Three times the largest image of ISIC 2017 (6748 x 4499); a picture of this many pixels takes 300 MB once decoded.
MOST_PIXELS = 100_000_000

# Asking the two readers directly, not `Image.open`, keeps every other format's reader away from files of unknown
# origin, and the check of the size ours alone: Pillow's own one is a warning,
# which only global state turns into an error.
READERS: dict[bytes, type[JpegImageFile] | type[PngImageFile]] = {
    b"\xff\xd8\xff": JpegImageFile,
    b"\x89PNG\r\n\x1a\n": PngImageFile,
}

JPEG_SUFFIXES = (".jpg", ".jpeg")
PNG_SUFFIXES = (".png",)
SUFFIXES = JPEG_SUFFIXES + PNG_SUFFIXES
"""Endings of the names of files that can be opened, in lower case."""

# Denominators of the scales that a JPEG can be decoded at (libjpeg: 1/8, 1/4, 1/2, 1/1).
SCALES = (8, 4, 2, 1)

EIGHT_BIT_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"}

# EXIF orientation to what sets the picture upright (CIPA DC-008, tag 0x0112); 1 is upright already.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SWAPS_SIDES = {5, 6, 7, 8}

# What Pillow's readers raise on damaged files (SyntaxError: a header that makes no sense).
DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)

Picture = JpegImageFile | PngImageFile

ImageFile = Path | bytes
"""A JPEG or PNG file, by its path or as its bytes."""

UNNAMED = "the image"
"""What messages call a file of which there are only bytes."""


@contextmanager
def opened(source: ImageFile) -> Iterator[Picture]:
    """Give the picture with its header read and its pixels not yet decoded.

    Raises:
        ImageError: no such file, neither JPEG nor PNG, more than `MOST_PIXELS`, or found damaged while the block runs.
    """
    if isinstance(source, Path) and not source.is_file():
        raise ImageError(f"no image at {source}; put it there, or take it out of the data set")
    name = source.name if isinstance(source, Path) else UNNAMED
    try:
        with source.open("rb") if isinstance(source, Path) else BytesIO(source) as file:
            yield _recognised(name, file)
    except DAMAGE as error:
        raise ImageError(f"{name} is truncated or damaged ({error}); replace it with a whole file") from error


def upright_size(picture: Picture) -> tuple[int, int]:
    """Return width and height in pixels as a viewer shows the picture, after its EXIF orientation."""
    width, height = picture.size
    return (height, width) if _orientation(picture) in SWAPS_SIDES else (width, height)


def decode_scaled(picture: Picture, most: int) -> int:
    """Ask a JPEG to be decoded at the smallest scale not below 1/`most`; return the scale's denominator.

    libjpeg then leaves out the frequencies that the smaller picture cannot show. A PNG is always decoded whole: 1.
    """
    scale = next(scale for scale in SCALES if scale <= max(most, 1))
    if scale == 1 or not isinstance(picture, JpegImageFile):
        return 1
    width, height = picture.size
    drafted = picture.draft(picture.mode, (max(width // scale, 1), max(height // scale, 1)))
    return 1 if drafted is None else round(width / drafted[1][2])


def decoded(picture: Picture, mode: Literal["RGB", "L"]) -> Image.Image:
    """Return the pixels as they are stored, in colour or grey with 8 bits a channel; transparency is dropped.

    Raises:
        ImageError: more than 8 bits a channel.
    """
    if picture.mode not in EIGHT_BIT_MODES:
        raise ImageError(
            f"{picture.filename} has pixels of kind '{picture.mode}'; expected 8 bits a channel: convert it"
        )
    # A palette with transparency goes through RGBA, as Pillow asks for.
    pixels = picture.convert("RGBA") if "transparency" in picture.info else picture
    pixels.load()
    return pixels if pixels.mode == mode else pixels.convert(mode)


def upright(pixels: Image.Image, picture: Picture) -> Image.Image:
    """Return pixels made of a picture as a viewer shows it, after its EXIF orientation."""
    orientation = _orientation(picture)
    return pixels.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else pixels


def _recognised(name: str, file: BufferedReader | BytesIO) -> Picture:
    start = file.read(max(len(start) for start in READERS))
    reader = next((reader for magic, reader in READERS.items() if start.startswith(magic)), None)
    if reader is None:
        found = "is empty" if not start else "is neither JPEG nor PNG"
        raise ImageError(f"{name} {found}; expected a JPEG or PNG image")
    file.seek(0)
    picture = reader(file, name)
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise ImageError(
            f"{name} is {width} x {height} pixels by its header, but at most {MOST_PIXELS:,} pixels are read; "
            "make it smaller"
        )
    return picture


def _orientation(picture: Picture) -> int:
    # A PNG would have to be decoded to find its EXIF, which hardly any has.
    if not isinstance(picture, JpegImageFile):
        return 1
    try:
        return picture.getexif().get(ExifTags.Base.Orientation, 1)
    except DAMAGE:
        return 1  # An EXIF block that cannot be read is ignored; the pixels are still good.
