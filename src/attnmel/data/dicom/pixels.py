"""One frame of a DICOM file -> its pixels as they are stored, and in which colours they are. No torch; needs pydicom.

A colour JPEG of 8 bits stays a JPEG, for the one decoder of other JPEG files: the same JPEG gives the same pixels in
and out of DICOM. Everything else is decoded by pylibjpeg, without conversion of colours. Not by whatever pydicom finds:
its way with Pillow converts a JPEG with an Adobe segment from YCbCr twice (3.0.2).
"""

import threading
from functools import cached_property
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

_ONE_AT_A_TIME = threading.Lock()
"""Held while pylibjpeg decodes: its decoders are C and C++ code that says nothing of several threads."""


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


class StoredFrame:
    """One frame of an opened file, counted from 0; the file is at its pixels when this is made.

    Raises:
        ImageError: the file has no pixels.
    """

    def __init__(self, header: Header, file: BufferedIOBase, number: int) -> None:
        self._header, self._file, self._number = header, file, number
        self._options: dict[str, Any] = as_pixel_options(header.dataset)
        """Of pydicom's decoders."""
        self._length = self._skip_to_value()

    def colour_jpeg(self) -> ColourJpeg | None:
        """Return the frame as a JPEG file that every reader shows rightly; None if it is anything else.

        Raises:
            ImageError: the JPEG is of another size or kind than the header says.
        """
        if self._header.syntax not in JPEG or len(self._jpeg.components) == 1 or not self._is_by_pillow:
            return None
        is_rgb, note = self._jpeg_colours()
        return ColourJpeg(plain_jpeg(self._encoded, as_rgb=is_rgb and self._jpeg.is_rgb is None), note)

    def colours(self) -> StoredColours:
        """Return in which colours the samples will be; the frame is not decoded, and no `colour_jpeg`.

        Raises:
            ImageError: a compressed picture of another size, or of unknown colours.
        """
        syntax, declared = self._header.syntax, self._declared
        if syntax in UNCOMPRESSED:
            # Programs that decompress a JPEG leave its declaration behind: 4:2:2 would be a third shorter.
            whole = self._header.width * self._header.height * 3 * self._header.frames
            if declared == "YBR_FULL_422" and self._length >= whole:
                return StoredColours("RGB", "it is declared YBR_FULL_422, but is as long as RGB, which is followed")
        elif syntax in JPEG and len(self._jpeg.components) > 1:
            is_rgb, note = self._jpeg_colours()
            return StoredColours("RGB" if is_rgb else "YBR_FULL", note)
        elif syntax in JPEG_2000:
            self._require_size(*jpeg2000_size(self._encoded))
            return self._jpeg2000_colours()
        elif syntax in JPEG_LS and self._jpeg.is_rgb:
            return StoredColours("RGB")
        return StoredColours(declared)

    def samples(self, colours: str) -> Integer[np.ndarray, "H W *channels"]:
        """Decode the frame, whose `colours` are known."""
        syntax = self._header.syntax
        if syntax in JPEG and self._is_by_pillow:
            return np.asarray(JpegImageFile(BytesIO(self._encoded)))
        decoder, file = get_decoder(syntax), cast(BinaryIO, self._file)
        if syntax in UNCOMPRESSED:
            # YBR_FULL_422 comes out with as many colours as pixels.
            options = {**self._options, "photometric_interpretation": colours}
            return decoder.as_array(file, index=self._number, raw=True, **options)[0]
        with _ONE_AT_A_TIME:
            how: dict[str, Any] = {"raw": True, "decoding_plugin": "pylibjpeg", **self._options}
            return decoder.as_array(file, index=self._number, **how)[0]

    @property
    def _declared(self) -> str:
        return self._header.dataset.PhotometricInterpretation

    @cached_property
    def _encoded(self) -> bytes:
        """The compressed frame; the file stays at the value of Pixel Data."""
        offsets = self._options.get("extended_offsets")
        return get_frame(self._file, self._number, number_of_frames=self._header.frames, extended_offsets=offsets)

    @cached_property
    def _jpeg(self) -> JpegHeader:
        found, samples = jpeg_header(self._encoded), self._header.dataset.SamplesPerPixel
        self._require_size(found.width, found.height)
        if len(found.components) != samples:
            raise ImageError(
                f"{self._header.name} has {samples} samples a pixel by its header, but its JPEG has "
                f"{len(found.components)}; replace it"
            )
        return found

    @property
    def _is_by_pillow(self) -> bool:
        return self._jpeg.kind in BY_PILLOW and self._jpeg.precision == 8

    def _skip_to_value(self) -> int:
        """Move the file to the value of Pixel Data; return its length in bytes."""
        order = "little" if self._header.syntax.is_little_endian else "big"
        start = self._file.read(8)
        tag = (int.from_bytes(start[:2], order), int.from_bytes(start[2:4], order))
        if tag != PIXEL_DATA:
            raise ImageError(
                f"{self._header.name} holds no picture: it has no Pixel Data; replace it with a whole file"
            )
        self._options["pixel_keyword"] = "PixelData"
        if start[4:6] not in VALUE_KINDS:
            return int.from_bytes(start[4:8], order)
        self._options["pixel_vr"] = start[4:6].decode("ascii")
        return int.from_bytes(self._file.read(4), order)

    def _jpeg_colours(self) -> tuple[bool, str]:
        """Return whether the components are RGB: by the JPEG, or where it says nothing, by what the file declares."""
        declared_rgb = self._declared == "RGB"
        is_rgb = declared_rgb if self._jpeg.is_rgb is None else self._jpeg.is_rgb
        if is_rgb == declared_rgb:
            return is_rgb, ""
        return is_rgb, FOLLOWED_JPEG.format(declared=self._declared, found="RGB" if is_rgb else "YCbCr")

    def _jpeg2000_colours(self) -> StoredColours:
        """Return the colours that decoding gives: RGB where the codestream holds a transform, which it then undoes."""
        declared = self._declared
        if self._header.dataset.SamplesPerPixel == 1:
            return StoredColours(declared)
        if jpeg2000_transforms_colours(self._encoded):
            followed = declared.startswith("YBR_FULL")
            return StoredColours("RGB", FOLLOWED_JPEG.format(declared=declared, found="RGB") if followed else "")
        if declared in ("YBR_ICT", "YBR_RCT"):
            raise ImageError(
                f"{self._header.name} is declared {declared}, but its JPEG 2000 has no such transform, so that its "
                "colours are not known; convert it anew"
            )
        return StoredColours(declared)

    def _require_size(self, width: int, height: int) -> None:
        header = self._header
        if (width, height) != (header.width, header.height):
            raise ImageError(
                f"{header.name} is {header.width} x {header.height} pixels by its header, but its compressed picture "
                f"is {width} x {height}; replace it"
            )
