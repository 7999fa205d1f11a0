"""A DICOM file -> the picture of one frame, with what was done to it. No torch; needs pydicom."""

from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from attnmel.data.dicom.display import displayed, how_shown
from attnmel.data.dicom.header import MOST_PIXELS, Header, opened_image
from attnmel.data.dicom.pixels import StoredFrame
from attnmel.errors import ImageError, counted

SQUARE = 0.01
"""Pixels whose sides differ by less are square."""


class DicomPicture(NamedTuple):
    """One frame, ready for what every other image goes through."""

    content: bytes | Image.Image
    """A JPEG file; or RGB of 8 bits, decoded when it is loaded."""
    profile: bytes | None
    """ICC profile of the file, which goes before one in the JPEG."""
    notes: tuple[str, ...]
    """What is done to it, and where the file's own statements are not followed."""


def dicom_picture(source: Path | bytes, name: str, frame: int | None = None) -> DicomPicture:
    """Return one frame, counted from 1; of a file with several it must be named.

    Raises:
        ImageError: it cannot be used, which may turn out when it is loaded.
    """
    with opened_image(source, name) as (header, file):
        number = _require_frame(header, frame) - 1
        size, stored, profile = _square_size(header), (header.width, header.height), _profile(header)
        found = StoredFrame(header, file, number)
        if jpeg := found.colour_jpeg():
            notes, decode = [jpeg.note], partial(_jpeg_pixels, jpeg.content)
        else:
            colours, note = found.colours()
            notes, decode = [note, how_shown(colours, header.dataset)], partial(_pixels, source, name, number, colours)
    if size != stored:
        notes.append(f"{stored[0]} x {stored[1]} oblong pixels made {size[0]} x {size[1]} square ones")
    content = jpeg.content if jpeg and size == stored else _Undecoded(size, decode)
    return DicomPicture(content, profile, tuple(filter(None, notes)))


class _Undecoded(Image.Image):
    """A picture of known size, decoded, and resized to it, when its pixels are asked for."""

    def __init__(self, size: tuple[int, int], decode: Callable[[], Image.Image]) -> None:
        super().__init__()
        self._size, self._mode, self._decode = size, "RGB", decode
        self._is_decoded = False

    def load(self) -> Any:  # noqa: ANN401 - Pillow's own type is private
        """Decode the pixels once."""
        if not self._is_decoded:
            pixels = self._decode()
            resized = pixels if pixels.size == self.size else pixels.resize(self.size, Image.Resampling.BILINEAR)
            self.im = resized.im
            self._is_decoded = True
        return super().load()


def _jpeg_pixels(jpeg: bytes) -> Image.Image:
    return JpegImageFile(BytesIO(jpeg)).convert("RGB")


def _pixels(source: Path | bytes, name: str, frame: int, colours: str) -> Image.Image:
    with opened_image(source, name) as (header, file):
        samples = StoredFrame(header, file, frame).samples(colours)
        return Image.fromarray(displayed(samples, colours, header.dataset))


def dicom_frames(source: Path | bytes, name: str) -> int:
    """Return how many frames a file has."""
    with opened_image(source, name) as (header, _):
        return header.frames


def _require_frame(header: Header, frame: int | None) -> int:
    if frame is None and header.frames > 1:
        raise ImageError(
            f"{header.name} has {header.frames} frames; name one, from {header.name}#1 to {header.name}#{header.frames}"
        )
    number = 1 if frame is None else frame
    if number > header.frames:
        raise ImageError(f"{header.name} has {counted(header.frames, 'frame')}, so there is no frame {number}")
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
