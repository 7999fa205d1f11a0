"""Open an image file safely: what it is, how large, what it says of its pixels, and these as stored. No torch.

Formats that are not read, very large pictures and damaged files are refused with the file's name, before or while they
are decoded. `reading` makes a photograph of the stored levels, `masks` a mask.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedReader, BytesIO
from pathlib import Path

from PIL import Image
from PIL.ImageFile import ImageFile as PillowFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile

from attnmel.data.dicom.frames import file_and_frame, is_dicom, require_reader
from attnmel.data.image_files.colour.png_chunks import png_chunks
from attnmel.data.image_files.damage import DAMAGE, contradictions_as_damage
from attnmel.data.image_files.depth import GREY, Deep, photograph_white, read_deep, reduced
from attnmel.data.image_files.formats import READ, START, Format, format_of, name_of_unread
from attnmel.data.image_files.open_pixels import PixelBudget
from attnmel.data.image_files.picture import UNNAMED, ImageFile, ImageSource, NamedBytes, Picture
from attnmel.data.image_files.truncated import SWITCH, SWITCHED_ON, TolerantJpeg, accepts_truncated, lacks_little
from attnmel.errors import ImageError

# Three times the largest image of ISIC 2017 (6748 x 4499); a picture of this many pixels takes 300 MB once decoded.
# The check is ours alone: Pillow's own one is a warning, which only global state turns into an error.
MOST_PIXELS = 100_000_000

AT_ONCE = PixelBudget(2 * MOST_PIXELS)
"""Of all pictures that threads of this process have open: two of the largest."""

# Denominators of the scales that a JPEG can be decoded at (libjpeg: 1/8, 1/4, 1/2, 1/1).
SCALES = (8, 4, 2, 1)

EIGHT_BIT_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"}
DEEP_MODES = {*GREY, "RGB", "RGBA", "CMYK"}
"""Of Pillow, for pixels that may have more than 8 bits in the file."""

NEW_SUBFILE_TYPE, SMALLER_COPY, DNG_VERSION = 254, 1, 50706
"""Tags of TIFF 6.0 and DNG; a page of the type's first bit is a smaller copy of another picture."""


@contextmanager
def opened(source: ImageSource) -> Iterator[Picture]:
    """Give the picture with its header read and its pixels not yet decoded.

    Raises:
        ImageError: no such file, one that may not be read, another format, more than `MOST_PIXELS`, or found damaged
            while the block runs.
    """
    name = source.name if isinstance(source, Path | NamedBytes) else UNNAMED
    try:
        with ExitStack() as held:
            if isinstance(source, Image.Image):
                picture = _of_pillow(source)
            elif isinstance(source, bytes):
                frame = source.frame if isinstance(source, NamedBytes) else None
                picture = _recognised(name, source, BytesIO(source), frame)
            else:
                path, frame = file_and_frame(source)
                if not stat.S_ISREG(path.stat().st_mode):
                    raise ImageError(f"{path} is no file; expected an image file")
                picture = _recognised(name, path, held.enter_context(path.open("rb")), frame)
            held.enter_context(AT_ONCE.hold(picture.size[0] * picture.size[1]))
            yield picture
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ImageError(f"no image at {source}; put the file there, or leave it out") from error
    except Image.DecompressionBombError:  # of readers that look at the size themselves
        raise ImageError(
            f"{name} has more than the {MOST_PIXELS:,} pixels that are read, by its header; make it smaller"
        ) from None
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno:  # An error of the system; the file may be whole.
            reason = os.strerror(error.errno)
            raise ImageError(f"{name} cannot be read ({reason}); check its permissions and its disk") from error
        may_read = isinstance(source, Path) and "is truncated" in str(error) and lacks_little(source)
        switch = f", or set {SWITCH}={SWITCHED_ON} to read what is there" if may_read else ""
        raise ImageError(f"{name} is truncated or damaged ({error}); replace it with a whole file{switch}") from error


def decode_scaled(picture: Picture, most: int) -> int:
    """Ask a JPEG to be decoded at the smallest scale not below 1/`most`; return the scale's denominator.

    libjpeg then leaves out the frequencies that the smaller picture cannot show. Others are decoded whole: 1.
    """
    scale = next(scale for scale in SCALES if scale <= max(most, 1))
    if scale == 1 or not isinstance(picture.pillow, JpegImageFile) or picture.source is None:
        return 1
    width, height = picture.size
    drafted = picture.pillow.draft(picture.mode, (max(width // scale, 1), max(height // scale, 1)))
    return 1 if drafted is None else round(width / drafted[1][2])


def stored_levels(picture: Picture, white: Callable[[Deep, str], int] = photograph_white) -> Image.Image:
    """Return the stored numbers with 8 bits each, alpha too: neither turned upright nor converted to other colours.

    `white` finds the number that becomes 255, where there are 16 bits.

    Raises:
        ImageError: pixels of a kind that is not read.
    """
    pillow = picture.pillow
    # Of a picture that Pillow has decoded, more than 8 bits are left in grey only.
    deep = picture.mode in (DEEP_MODES if picture.source is not None else GREY)
    if deep and picture.bits > 8:
        significant = max(picture.chunks.get(b"sBIT", b"")[: 3 if "G" in pillow.getbands() else 1], default=None)
        with contradictions_as_damage():
            found = read_deep(picture.name, pillow, lambda: _again(picture), significant)
        return reduced(found, white(found, picture.name))
    if picture.mode not in EIGHT_BIT_MODES:
        raise ImageError(
            f"{picture.name} has pixels of kind '{picture.mode}'; expected 8 or 16 bits a channel, grey or colour: "
            "convert it"
        )
    with contradictions_as_damage():
        pillow.load()
    if isinstance(pillow, TolerantJpeg):
        pillow.require_most_rows()
    return pillow


def _of_pillow(image: Image.Image) -> Picture:
    # A file that Pillow has opened and not decoded yet is decoded here, since a TIFF turns upright by that.
    image.load()
    _check_size(UNNAMED, image.size)
    return Picture(UNNAMED, "pixels", image, None)


def _recognised(name: str, source: ImageFile, file: BufferedReader | BytesIO, frame: int | None = None) -> Picture:
    start = file.read(START)
    if is_dicom(start):
        return _of_dicom(name, source, frame)
    if frame is not None:
        raise ImageError(f"{name} names a frame, which only a DICOM file has; leave out #{frame}")
    found = format_of(start)
    if found is None:
        raise ImageError(f"{name} {_what_else(start)}; expected a picture in the format {READ}")
    chunks = png_chunks(file) if found.name == "PNG" else {}
    picture = Picture(name, found.name, _reader_opened(found, file, name), source, chunks)
    _check_size(name, picture.size)
    if isinstance(picture.pillow, TiffImageFile):
        _refuse_previews(picture.pillow, name)
    return picture


def _of_dicom(name: str, source: ImageFile, frame: int | None) -> Picture:
    name = source.name if isinstance(source, Path) else name
    require_reader(name)
    from attnmel.data.dicom.picture import dicom_picture  # needs pydicom

    found = dicom_picture(source, name, frame)
    jpeg = found.content if isinstance(found.content, bytes) else None
    pillow = found.content if isinstance(found.content, Image.Image) else _jpeg_opened(BytesIO(found.content), name)
    if found.profile is not None:
        pillow.info["icc_profile"] = found.profile
    return Picture(name, "DICOM", pillow, jpeg, notes=found.notes)


def _reader_opened(found: Format, file: BufferedReader | BytesIO, name: str) -> PillowFile:
    file.seek(0)
    if found.name == "JPEG":
        return _jpeg_opened(file, name)
    try:
        with contradictions_as_damage():
            return found.reader(file, name)
    except SyntaxError as error:
        if "unknown pixel mode" in str(error):
            raise ImageError(
                f"{name} is a {found.name} with pixels of a kind that is not read; save it as PNG"
            ) from error
        raise


def _jpeg_opened(file: BufferedReader | BytesIO, name: str) -> PillowFile:
    return (TolerantJpeg if accepts_truncated() else JpegImageFile)(file, name)


def _again(picture: Picture) -> PillowFile:
    """Open the file a second time; it stays open until its pixels are decoded."""
    assert picture.source is not None
    content = picture.source if isinstance(picture.source, bytes) else picture.source.read_bytes()
    found = format_of(content[:START])
    assert found is not None
    return _reader_opened(found, BytesIO(content), picture.name)


def _what_else(start: bytes) -> str:
    if not start:
        return "is empty"
    name = name_of_unread(start)
    return f"is a file of the kind {name}, which is not read" if name else "is no picture"


def _check_size(name: str, size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MOST_PIXELS:
        raise ImageError(
            f"{name} is {width} x {height} pixels by its header, but at most {MOST_PIXELS:,} pixels are read; "
            "make it smaller"
        )


def _refuse_previews(tiff: TiffImageFile, name: str) -> None:
    if DNG_VERSION in tiff.tag_v2 or tiff.tag_v2.get(NEW_SUBFILE_TYPE, 0) & SMALLER_COPY:
        raise ImageError(
            f"{name} begins with a preview of another picture, as a camera's raw file; save the picture as JPEG or PNG"
        )
