"""One frame of a DICOM file -> its pixels as they are stored, and in which colours they are. No torch; needs pydicom.

A colour JPEG of 8 bits stays a JPEG, for the one decoder of other JPEG files: the same JPEG gives the same pixels in
and out of DICOM. Everything else is decoded by pylibjpeg, without conversion of colours. Not by whatever pydicom finds:
its way with Pillow converts a JPEG with an Adobe segment from YCbCr twice (3.0.2).
"""

from io import BufferedIOBase, BytesIO
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np
from jaxtyping import Integer
from PIL.JpegImagePlugin import JpegImageFile
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import as_pixel_options

from attnmel.data.dicom.header import JPEG, JPEG_2000, JPEG_LS, UNCOMPRESSED, Header
from attnmel.data.dicom.jpeg import (
    BY_PILLOW,
    JpegHeader,
    jpeg2000_size,
    jpeg2000_transforms_colours,
    jpeg_header,
    plain_jpeg,
)
from attnmel.errors import ImageError

FOLLOWED_JPEG = "it is declared {declared}, but its JPEG says {found}, which is followed"

PIXEL_DATA = (0x7FE0, 0x0010)
VALUE_KINDS = (b"OB", b"OW", b"UN")
"""Without one before it, the length follows at once: implicit by the transfer syntax, or against it, which occurs."""


class StoredColours(NamedTuple):
    """What the samples of a frame are."""

    colours: str
    """Photometric interpretation: what they are, not what the file declares."""
    note: str = ""
    """What was done where the two differ."""


class ColourJpeg(NamedTuple):
    """A frame that is a colour JPEG of 8 bits."""

    content: bytes
    note: str


def colour_jpeg(header: Header, file: BufferedIOBase, frame: int) -> ColourJpeg | None:
    """Return a frame, counted from 0, as a JPEG file that every reader shows rightly; None if it is anything else.

    Raises:
        ImageError: the JPEG is of another size or kind than the header says.
    """
    if header.syntax not in JPEG:
        return None
    start = file.tell()
    encoded = _encoded(header, file, frame, _options(header, file))
    file.seek(start)
    found = _jpeg_header(header, encoded)
    if len(found.components) == 1 or not _is_by_pillow(found):
        return None
    is_rgb, note = _jpeg_colours(header, found)
    return ColourJpeg(plain_jpeg(encoded, as_rgb=is_rgb and found.is_rgb is None), note)


def stored_colours(header: Header, file: BufferedIOBase, frame: int) -> StoredColours:
    """Return in which colours the samples of a frame will be, counted from 0; it is not decoded, and no `colour_jpeg`.

    Raises:
        ImageError: no pixels, or a compressed picture of another size, or of unknown colours.
    """
    start = file.tell()
    options = _options(header, file)
    try:
        if header.syntax in UNCOMPRESSED:
            return _uncompressed_colours(header, options["length"])
        encoded = _encoded(header, file, frame, options)
    finally:
        file.seek(start)
    declared = header.dataset.PhotometricInterpretation
    if header.syntax in JPEG:
        found = _jpeg_header(header, encoded)
        if len(found.components) == 1:
            return StoredColours(declared)
        is_rgb, note = _jpeg_colours(header, found)
        return StoredColours("RGB" if is_rgb else "YBR_FULL", note)
    if header.syntax in JPEG_2000:
        _require_size(header, *jpeg2000_size(encoded))
        return _jpeg2000_colours(header, encoded)
    if header.syntax in JPEG_LS:
        return StoredColours("RGB" if _jpeg_header(header, encoded).is_rgb else declared)
    return StoredColours(declared)


def stored_samples(
    header: Header, file: BufferedIOBase, frame: int, colours: str
) -> Integer[np.ndarray, "H W *channels"]:
    """Decode a frame, counted from 0, whose `stored_colours` are known, of a file that is at its pixels."""
    options = _options(header, file)
    if header.syntax in JPEG:
        encoded = _encoded(header, file, frame, options)
        if _is_by_pillow(_jpeg_header(header, encoded)):
            return np.asarray(JpegImageFile(BytesIO(encoded)))
    if header.syntax in UNCOMPRESSED:
        options["photometric_interpretation"] = colours  # YBR_FULL_422 comes out with as many colours as pixels
    plugin = "" if header.syntax in UNCOMPRESSED else "pylibjpeg"
    del options["length"]
    decoder = get_decoder(header.syntax)
    return decoder.as_array(cast(BinaryIO, file), index=frame, raw=True, decoding_plugin=plugin, **options)[0]


def _options(header: Header, file: BufferedIOBase) -> dict[str, Any]:
    """Return the options of pydicom's decoders, and move the file to the value of Pixel Data."""
    options = as_pixel_options(header.dataset)
    options["length"] = _skip_to_value(header, file, options)
    return options


def _encoded(header: Header, file: BufferedIOBase, frame: int, options: dict[str, Any]) -> bytes:
    """Return a compressed frame; the file stays where it is."""
    offsets = options.get("extended_offsets")
    return get_frame(file, frame, number_of_frames=header.frames, extended_offsets=offsets)


def _skip_to_value(header: Header, file: BufferedIOBase, options: dict[str, Any]) -> int:
    """Move the file to the value of Pixel Data; return its length in bytes."""
    order = "little" if header.syntax.is_little_endian else "big"
    start = file.read(8)
    tag = (int.from_bytes(start[:2], order), int.from_bytes(start[2:4], order))
    if tag != PIXEL_DATA:
        raise ImageError(f"{header.name} holds no picture: it has no Pixel Data; replace it with a whole file")
    options["pixel_keyword"] = "PixelData"
    if start[4:6] not in VALUE_KINDS:
        return int.from_bytes(start[4:8], order)
    options["pixel_vr"] = start[4:6].decode("ascii")
    return int.from_bytes(file.read(4), order)


def _uncompressed_colours(header: Header, length: int) -> StoredColours:
    declared = header.dataset.PhotometricInterpretation
    if declared == "YBR_FULL_422" and length >= header.width * header.height * 3 * header.frames:
        # Programs that decompress a JPEG leave its declaration behind: 4:2:2 would be a third shorter.
        return StoredColours("RGB", "it is declared YBR_FULL_422, but is as long as RGB, which is followed")
    return StoredColours(declared)


def _jpeg_header(header: Header, encoded: bytes) -> JpegHeader:
    found, samples = jpeg_header(encoded), header.dataset.SamplesPerPixel
    _require_size(header, found.width, found.height)
    if len(found.components) != samples:
        raise ImageError(
            f"{header.name} has {samples} samples a pixel by its header, but its JPEG has {len(found.components)}; "
            "replace it"
        )
    return found


def _is_by_pillow(found: JpegHeader) -> bool:
    return found.kind in BY_PILLOW and found.precision == 8


def _jpeg_colours(header: Header, found: JpegHeader) -> tuple[bool, str]:
    """Return whether the components are RGB: by the JPEG, or where it says nothing, by what the file declares."""
    declared = header.dataset.PhotometricInterpretation
    is_rgb = declared == "RGB" if found.is_rgb is None else found.is_rgb
    if is_rgb == (declared == "RGB"):
        return is_rgb, ""
    return is_rgb, FOLLOWED_JPEG.format(declared=declared, found="RGB" if is_rgb else "YCbCr")


def _jpeg2000_colours(header: Header, encoded: bytes) -> StoredColours:
    """Return the colours that decoding gives: RGB where the codestream holds a transform, which it then undoes."""
    declared = header.dataset.PhotometricInterpretation
    if header.dataset.SamplesPerPixel == 1:
        return StoredColours(declared)
    if jpeg2000_transforms_colours(encoded):
        followed = declared.startswith("YBR_FULL")
        return StoredColours("RGB", FOLLOWED_JPEG.format(declared=declared, found="RGB") if followed else "")
    if declared in ("YBR_ICT", "YBR_RCT"):
        raise ImageError(
            f"{header.name} is declared {declared}, but its JPEG 2000 has no such transform, so that its colours are "
            "not known; convert it anew"
        )
    return StoredColours(declared)


def _require_size(header: Header, width: int, height: int) -> None:
    if (width, height) != (header.width, header.height):
        raise ImageError(
            f"{header.name} is {header.width} x {header.height} pixels by its header, but its compressed picture is "
            f"{width} x {height}; replace it"
        )
