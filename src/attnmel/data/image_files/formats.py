"""Which files are opened as pictures, by their first bytes, and the readers of each kind. No torch.

Asking one reader directly, not `Image.open`, keeps every other format's reader away from files of unknown origin.
"""

from collections.abc import Callable
from io import BufferedReader, BytesIO
from typing import NamedTuple

from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile as PillowFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from attnmel.data.dicom.frames import SUFFIXES as DICOM_SUFFIXES
from attnmel.data.image_files.suffixes import JPEG_SUFFIXES, PNG_SUFFIXES
from attnmel.errors import ImageError

HEIC_SUFFIXES = (".heic", ".heif")
SUFFIXES = (*JPEG_SUFFIXES, *PNG_SUFFIXES, ".tif", ".tiff", ".webp", ".bmp", ".dib", *HEIC_SUFFIXES, *DICOM_SUFFIXES)
"""Endings of the names of files that can be opened, in lower case."""

READ = "JPEG, PNG, TIFF, WebP, BMP, HEIC or DICOM"
"""The formats in the words of a message."""

START = 132
"""Number of first bytes that tell a format; those of DICOM end there."""

HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}

# Pictures by their first bytes that are known and not read, so that the message can say what was found.
NOT_READ = {
    b"GIF8": "GIF",
    b"8BPS": "Photoshop",
    b"\x00\x00\x00\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\x00\x00\x00\x0cJXL ": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
    b"%PDF": "PDF",
    b"<svg": "SVG",
    b"FUJIFILM": "raw camera",
    b"P6\n": "PPM",
    b"P5\n": "PGM",
}

TiledFile = BufferedReader | BytesIO


class Format(NamedTuple):
    """A format that can be opened."""

    name: str
    reader: Callable[[TiledFile, str], PillowFile]


def format_of(start: bytes) -> Format | None:
    """Return the format of a file that begins with these bytes; None if it is not read."""
    return next((found for is_one, found in _FORMATS if is_one(start)), None)


def name_of_unread(start: bytes) -> str:
    """Return the name of a known format that is not read, by a file's first bytes; empty for others."""
    if start[4:8] == b"ftyp":
        return "AVIF" if start[8:12] in (b"avif", b"avis") else "video or other ISO"
    return next((name for magic, name in NOT_READ.items() if start.startswith(magic)), "")


def _starts(*magics: bytes) -> Callable[[bytes], bool]:
    return lambda start: start.startswith(magics)


def _heic(file: TiledFile, name: str) -> PillowFile:
    try:
        from pillow_heif import HeifImageFile
    except ImportError:
        raise ImageError(f"{name} is a HEIC picture; to read it: pip install 'attnmel[heic]'") from None
    return HeifImageFile(file, name)


_FORMATS: tuple[tuple[Callable[[bytes], bool], Format], ...] = (
    (_starts(b"\xff\xd8\xff"), Format("JPEG", JpegImageFile)),
    (_starts(b"\x89PNG\r\n\x1a\n"), Format("PNG", PngImageFile)),
    (_starts(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), Format("TIFF", TiffImageFile)),
    (lambda start: start.startswith(b"RIFF") and start[8:12] == b"WEBP", Format("WebP", WebPImageFile)),
    (_starts(b"BM"), Format("BMP", BmpImageFile)),
    (lambda start: start[4:8] == b"ftyp" and start[8:12] in HEIC_BRANDS, Format("HEIC", _heic)),
)
