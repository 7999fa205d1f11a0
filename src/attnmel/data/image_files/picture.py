"""An opened picture: what its header says of its pixels, and how they are set upright. No torch."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import TiffImageFile

from attnmel.data.image_files.colour.conversion import Colours, colours
from attnmel.data.image_files.damage import DAMAGE, contradictions_as_damage
from attnmel.data.image_files.depth import deep_bits

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
STORED_FROM_RIGHT = {2, 3, 6, 7}
"""Orientations whose upright picture ends on the left where the stored pixels, line by line, begin on the right."""
STORED_FROM_BOTTOM = {3, 4, 7, 8}

ImageFile = Path | bytes
"""An image file, by its path or as its bytes."""


class NamedBytes(bytes):
    """The bytes of a file that has a name for messages, which is no path; `frame` is one of a DICOM file, from 1."""

    name: str
    frame: int | None

    def __new__(cls, content: bytes, name: str, frame: int | None = None) -> "NamedBytes":
        """Copy the bytes, and add the name."""
        made = super().__new__(cls, content)
        made.name, made.frame = name, frame
        return made


ImageSource = ImageFile | Image.Image
"""An image file, or a picture of Pillow with the profile and EXIF that it carries."""

UNNAMED = "the image"
"""What messages call a picture without a file's name."""


@dataclass
class Picture:
    """An opened picture: its header is read, its pixels are not decoded."""

    name: str
    """For messages."""
    format: str
    """Name of a `Format`; "pixels" for a picture of Pillow that was no file."""
    pillow: Image.Image
    source: ImageFile | None
    """Where the file can be read again; None for a picture of Pillow."""
    chunks: dict[bytes, bytes] = field(default_factory=dict)
    """Those of a PNG that Pillow does not give."""
    notes: tuple[str, ...] = ()
    """What a DICOM file's reader does to the pixels."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels as stored."""
        return self.pillow.size

    @property
    def mode(self) -> str:
        """Kind of pixels as stored, in Pillow's words."""
        return self.pillow.mode

    @cached_property
    def declared_orientation(self) -> int:
        """EXIF's orientation as the file says it; 1 is upright."""
        if isinstance(self.pillow, TiffImageFile):
            return self.pillow.tag_v2.get(ExifTags.Base.Orientation, 1)
        if self.format == "HEIC":
            return self.pillow.info.get("original_orientation") or 1
        try:
            if self.format == "PNG":
                exif = Image.Exif()
                exif.load(self.chunks.get(b"eXIf", b""))
            else:
                exif = self.pillow.getexif()
            return exif.get(ExifTags.Base.Orientation, 1)
        except DAMAGE:
            return 1  # An EXIF block that cannot be read is ignored; the pixels are still good.

    @property
    def orientation(self) -> int:
        """The orientation that is still to be followed: Pillow's readers follow that of a TIFF or HEIC themselves."""
        return 1 if self.format in ("TIFF", "HEIC") else self.declared_orientation

    @property
    def bits(self) -> int:
        """Bits of a number as stored."""
        return deep_bits(self.pillow)

    @cached_property
    def pages(self) -> int:
        """Number of pages or frames of the file, of which the first is read."""
        with contradictions_as_damage():
            return getattr(self.pillow, "n_frames", 1)

    @property
    def has_alpha(self) -> bool:
        """Whether pixels may be transparent."""
        return self.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in self.pillow.info

    @cached_property
    def colours(self) -> Colours:
        """What the file says of its colours."""
        return colours(self.name, self.pillow.info, self.chunks, self.mode)

    @property
    def is_plain(self) -> bool:
        """Whether stored levels are used as they are, but for a JPEG's orientation: earlier versions read all so."""
        as_stored = self.format in ("JPEG", "PNG") and self.bits == 8 and not self.has_alpha
        turned = self.orientation != 1 and self.format != "JPEG"
        return as_stored and not turned and self.colours.conversion is None


def upright_size(picture: Picture) -> tuple[int, int]:
    """Return width and height in pixels as a viewer shows the picture, after its EXIF orientation."""
    width, height = picture.size
    return (height, width) if picture.orientation in SWAPS_SIDES else (width, height)


def upright(pixels: Image.Image, picture: Picture) -> Image.Image:
    """Return pixels made of a picture as a viewer shows it, after its EXIF orientation."""
    return pixels.transpose(UPRIGHT[picture.orientation]) if picture.orientation in UPRIGHT else pixels
