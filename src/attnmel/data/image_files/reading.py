"""A photograph as every viewer shows it, in 8-bit sRGB, opaque and upright, and what was done for that. No torch.

Every command reads its photographs here: whatever file, the same picture gives the same pixels.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from PIL import Image

from attnmel.data.image_files.decode import opened, stored_levels
from attnmel.data.image_files.picture import UPRIGHT, ImageFile, ImageSource, Picture
from attnmel.data.image_files.truncated import TolerantJpeg, accepts_truncated
from attnmel.errors import ImageError
from attnmel.progress import Progress

OPAQUE = 255

GROUND = "white"
"""What transparent pixels are laid on: what a page is, and what most viewers show."""


@dataclass(frozen=True)
class Reading:
    """What was done to the pixels of a file."""

    format: str
    """JPEG, PNG, TIFF, WebP, BMP, HEIC or DICOM; "pixels" for a picture of Pillow."""
    orientation: int = 1
    """By EXIF, and followed; 1 is upright as stored."""
    profile: str = ""
    """Name of the colour profile that was converted to sRGB."""
    on_white: bool = False
    """Whether transparent pixels were laid on white."""
    bits: int = 8
    """Of a number in the file; more than 8 were reduced."""
    others: tuple[str, ...] = ()
    """What else a user should know: further pages, a profile that was ignored, missing bytes."""

    @property
    def notes(self) -> tuple[str, ...]:
        """How it was read, each in a few words; empty if there is nothing to say. Turning upright is not named."""
        found = [f"colours converted from {self.profile} to sRGB"] if self.profile else []
        found += [f"alpha channel laid on {GROUND}"] if self.on_white else []
        found += [f"{self.bits} bits a channel reduced to 8"] if self.bits > 8 else []
        return (*found, *self.others)


@dataclass(frozen=True)
class ReadImage:
    """A photograph in RGB, 8 bits, sRGB, opaque."""

    stored: Image.Image
    """Not turned upright."""
    orientation: int
    """By which it is still to be turned."""
    reading: Reading

    @property
    def pixels(self) -> Image.Image:
        """The photograph upright."""
        return self.stored.transpose(UPRIGHT[self.orientation]) if self.orientation in UPRIGHT else self.stored


def read_image(source: ImageSource) -> ReadImage:
    """Read a photograph from a file, a file's bytes or a picture of Pillow.

    Raises:
        ImageError: the file cannot be used.
    """
    with opened(source) as picture:
        return read_picture(picture)


def read_picture(picture: Picture) -> ReadImage:
    """Decode an opened picture, and convert it."""
    # Pillow's readers may close the file once it is decoded: what the header says is looked up before.
    colours, bits, pages, orientation = picture.colours, picture.bits, picture.pages, picture.declared_orientation
    pixels, alpha = _apart(stored_levels(picture))
    if colours.conversion is not None:
        pixels = colours.conversion.converted(pixels)
    elif pixels.mode != "RGB":
        pixels = pixels.convert("RGB")
    if alpha is not None:
        pixels = Image.composite(pixels, Image.new("RGB", pixels.size, GROUND), alpha)
    profile = colours.conversion.name if colours.conversion else ""
    reading = Reading(picture.format, orientation, profile, alpha is not None, bits, _others(picture, pages))
    return ReadImage(pixels, picture.orientation, reading)


def header_notes(picture: Picture) -> tuple[str, ...]:
    """Return the notes on a picture by its header alone, before it is decoded.

    Whether an alpha channel is opaque throughout, and whether bytes are missing, is not found.
    """
    conversion = picture.colours.conversion
    profile, others = conversion.name if conversion else "", _others(picture, picture.pages)
    notes = Reading(picture.format, 1, profile, bits=picture.bits, others=others).notes
    return (*notes, f"alpha channel laid on {GROUND} where it is transparent") if picture.has_alpha else notes


class ReadingNotes:
    """Counts the notes on how images were read, for one line on each kind at the end."""

    def __init__(self) -> None:
        self._images = 0
        self._notes: Counter[str] = Counter()

    def add(self, source: ImageFile) -> None:
        """Count a file, by its header alone; one that cannot be used counts without a note."""
        self._images += 1
        with suppress(ImageError):
            if accepts_truncated():
                self._notes.update(read_image(source).reading.notes)
            else:
                with opened(source) as picture:
                    self._notes.update(header_notes(picture))

    def note(self, progress: Progress) -> None:
        """Print how many images of how many have which note."""
        print_notes(self._notes, self._images, progress)


def print_notes(notes: Mapping[str, int], images: int, progress: Progress) -> None:
    """Print of how many images each note is, the most frequent first."""
    for sentence in counted_notes(notes, images):
        progress.note(sentence)


def counted_notes(notes: Mapping[str, int], images: int) -> tuple[str, ...]:
    """Return of how many images each note is, the most frequent first."""
    by_count = sorted(notes.items(), key=lambda one: -one[1])
    return tuple(f"{count:,} of {images:,} images: {note}" for note, count in by_count)


def _apart(pixels: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return the colours, and the alpha channel where any pixel is not opaque."""
    if "A" not in pixels.getbands() and "transparency" not in pixels.info:
        return pixels, None
    pixels = pixels.convert("RGBA")
    alpha = pixels.getchannel("A")
    return pixels.convert("RGB"), alpha if int(alpha.getextrema()[0]) < OPAQUE else None  # pyright: ignore[reportArgumentType] - a pair for one channel


def _others(picture: Picture, pages: int) -> tuple[str, ...]:
    others = [*picture.notes, *([f"the first of {pages} pages or frames"] if pages > 1 else [])]
    if isinstance(picture.pillow, TolerantJpeg) and picture.pillow.lacks_end:
        others.append("last bytes are missing, and what is there was read")
    if picture.mode == "CMYK" and picture.colours.conversion is None:
        others.append("inks (CMYK) without a profile, whose colours are only approximate")
    return (*others, picture.colours.note) if picture.colours.note else tuple(others)
