"""A DICOM file -> the picture of one frame, with what was done to it. No torch; needs pydicom."""

from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from attnmel.data.dicom.display import said, shown
from attnmel.data.dicom.header import MOST_PIXELS, Header, opened_image
from attnmel.data.dicom.pixels import stored_pixels
from attnmel.errors import ImageError

SQUARE = 0.01
"""Pixels whose sides differ by less are square."""


class DicomPicture(NamedTuple):
    """One frame, ready for what every other image goes through."""

    content: bytes | Image.Image
    """A JPEG file, or RGB of 8 bits."""
    profile: bytes | None
    """ICC profile of the file, which goes before one in the JPEG."""
    notes: tuple[str, ...]
    """What was done, and where the file's own statements were not followed."""


def dicom_picture(source: Path | bytes, name: str, frame: int | None = None) -> DicomPicture:
    """Return one frame, counted from 1; of a file with several it must be named.

    Raises:
        ImageError: it cannot be used.
    """
    with opened_image(source, name) as (header, file):
        number = _require_frame(header, frame)
        stored = stored_pixels(header, file, number - 1)
        if isinstance(stored.samples, bytes):
            content, done = stored.samples, ""
        else:
            content = Image.fromarray(shown(stored.samples, stored.colours, header.dataset))
            done = said(stored.colours, header.dataset)
        profile = _profile(header)
        size = _square_size(header)
    made_square = ""
    if size != (header.width, header.height):
        content = _as_image(content).resize(size, Image.Resampling.BILINEAR)
        made_square = f"{header.width} x {header.height} oblong pixels made {size[0]} x {size[1]} square ones"
    return DicomPicture(content, profile, tuple(filter(None, (stored.note, done, made_square))))


def dicom_size(source: Path | bytes, name: str, frame: int | None = None) -> tuple[int, int]:
    """Return width and height of one frame as shown, without decoding it.

    Raises:
        ImageError: it cannot be used.
    """
    with opened_image(source, name) as (header, _):
        _require_frame(header, frame)
        return _square_size(header)


def dicom_frames(source: Path | bytes, name: str) -> int:
    """Return how many frames a file has.

    Raises:
        ImageError: it cannot be used.
    """
    with opened_image(source, name) as (header, _):
        return header.frames


def _require_frame(header: Header, frame: int | None) -> int:
    if frame is None and header.frames > 1:
        raise ImageError(
            f"{header.name} has {header.frames} frames; name one, from {header.name}#1 to {header.name}#{header.frames}"
        )
    number = 1 if frame is None else frame
    if number > header.frames:
        raise ImageError(f"{header.name} has {header.frames} frames, so there is no frame {number}")
    return number


def _profile(header: Header) -> bytes | None:
    for path in header.dataset.get("OpticalPathSequence") or ():
        if path.get("ICCProfile"):
            return bytes(path.ICCProfile)
    found = header.dataset.get("ICCProfile")
    return bytes(found) if found else None


def _square_size(header: Header) -> tuple[int, int]:
    """Return the size with square pixels, the shorter side of an oblong pixel enlarged."""
    spacing = next(
        (
            [float(value) for value in header.dataset[name].value]
            for name in ("PixelAspectRatio", "PixelSpacing", "ImagerPixelSpacing")
            if name in header.dataset and header.dataset[name].VM == 2
        ),
        [1.0, 1.0],
    )
    down, across = spacing
    if not (down > 0 and across > 0) or abs(down / across - 1) < SQUARE:
        return header.width, header.height
    wide, high = header.width * max(across / down, 1), header.height * max(down / across, 1)
    if wide * high > MOST_PIXELS:
        raise ImageError(
            f"{header.name} has pixels of {down:g} by {across:g}, too many once they are square; resize it"
        )
    return round(wide), round(high)


def _as_image(content: bytes | Image.Image) -> Image.Image:
    return JpegImageFile(BytesIO(content)).convert("RGB") if isinstance(content, bytes) else content
