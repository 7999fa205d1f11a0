"""What a JPEG inside DICOM says of itself: its size, its precision, and whether its components are RGB. No torch.

Segments are those of ITU-T T.81, Annex B; the Adobe segment is that of Adobe's technical note 5116.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

SOI = b"\xff\xd8"
APP0, APP1, APP14, SCAN = 0xE0, 0xE1, 0xEE, 0xDA
STARTS_OF_FRAME = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
"""Including that of JPEG-LS, 0xF7."""

BY_PILLOW = (0xC0, 0xC1, 0xC2)
"""Baseline, extended and progressive JPEG, which Pillow decodes where the precision is 8 bits."""

WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD8)}

NOT_TRANSFORMED = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
"""An Adobe segment with transform 0: the components are red, green and blue."""


class JpegHeader(NamedTuple):
    """The segments before the first scan."""

    kind: int
    """Marker of the start of frame."""
    precision: int
    width: int
    height: int
    components: bytes
    """Their ids."""
    is_jfif: bool
    adobe_transform: int | None

    @property
    def is_rgb(self) -> bool | None:
        """Whether the components are RGB, by what the file says, in the order in which libjpeg believes it.

        None where it says nothing: libjpeg then guesses YCbCr.
        """
        if self.is_jfif:
            return False
        if self.adobe_transform is not None:
            return self.adobe_transform == 0
        return True if self.components == b"RGB" else None


def jpeg_header(jpeg: bytes) -> JpegHeader:
    """Return what the segments before the first scan say.

    Raises:
        ValueError: there is no start of frame.
    """
    is_jfif, adobe, found = False, None, None
    for marker, _, body in _segments(jpeg):
        if marker == APP0 and body.startswith(b"JFIF\0"):
            is_jfif = True
        elif marker == APP14 and body.startswith(b"Adobe") and len(body) >= 12:
            adobe = body[11]
        elif marker in STARTS_OF_FRAME and len(body) >= 6:
            precision, height, width, count = struct.unpack(">BHHB", body[:6])
            found = (marker, precision, width, height, body[6 : 6 + 3 * count : 3])
    if found is None:
        raise ValueError("its JPEG has no start of frame")
    return JpegHeader(*found, is_jfif, adobe)


def plain_jpeg(jpeg: bytes, *, as_rgb: bool) -> bytes:
    """Return a JPEG without its EXIF, which DICOM does not follow; `as_rgb` says in it that its components are RGB.

    EXIF may also hold a place, a name and a serial number.
    """
    parts, rest = [SOI], len(SOI)
    for marker, start, body in _segments(jpeg):
        rest = start + 4 + len(body)
        if marker != APP1:
            parts.append(jpeg[start:rest])
        if marker == SCAN:
            break
    return b"".join([*parts[:1], NOT_TRANSFORMED * as_rgb, *parts[1:], jpeg[rest:]])


def _segments(jpeg: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield marker, place and content of each segment up to the first scan's header."""
    place = len(SOI) if jpeg.startswith(SOI) else len(jpeg)
    while place + 4 <= len(jpeg) and jpeg[place] == 0xFF:
        marker = jpeg[place + 1]
        if marker == 0xFF or marker in WITHOUT_LENGTH:
            place += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(jpeg[place + 2 : place + 4])
        yield marker, place, jpeg[place + 4 : place + 2 + length]
        if marker == SCAN:
            return
        place += 2 + length


def jpeg2000_transforms_colours(codestream: bytes) -> bool:
    """Return whether decoding a JPEG 2000 codestream turns its components into RGB (ITU-T T.800, A.6.1: SGcod)."""
    start = codestream.find(b"\xff\x4f\xff\x51")
    place = start + 2
    while start >= 0 and place + 9 <= len(codestream):
        marker, length = codestream[place : place + 2], int.from_bytes(codestream[place + 2 : place + 4])
        if marker == b"\xff\x52":
            return codestream[place + 8] == 1
        place += 2 + length
    return False


def jpeg2000_size(codestream: bytes) -> tuple[int, int]:
    """Return width and height by the header of a JPEG 2000 codestream (SIZ).

    Raises:
        ValueError: there is none.
    """
    start = codestream.find(b"\xff\x4f\xff\x51")
    if start < 0 or len(codestream) < start + 24:
        raise ValueError("its JPEG 2000 has no header")
    right, bottom, left, top = struct.unpack(">IIII", codestream[start + 8 : start + 24])
    return right - left, bottom - top
