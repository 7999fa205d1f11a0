"""Pixels of 16 bits, read whole and reduced to 8. No torch.

Pillow keeps the upper byte of 16-bit colour only. So a file is decoded twice, for the upper and for the lower bytes of
its numbers, by unpackers that Pillow has for the two orders of bytes.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile as PillowFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from attnmel.errors import ImageError
from attnmel.shapes import Shaped, UInt8, UInt16

FULL = 0xFFFF
DARKEST_FULL = 1 << 14
"""A picture of 16 bits whose brightest number is below it (a quarter of white) may hold fewer bits than it says."""

BITS_PER_SAMPLE, PHOTOMETRIC, PLANAR, MAX_SAMPLE = 258, 262, 284, 281
"""Tags of TIFF 6.0."""

WHITE_IS_ZERO = 0
SEPARATE_PLANES = 2

OTHER_ORDER = {"L": "B", "B": "L", "N": "B" if np.little_endian else "L"}
"""Of bytes, as the last letter of Pillow's names of unpackers."""

GREY = {"I;16", "I;16B", "I;16L", "I;16N"}


class Deep(NamedTuple):
    """Pixels of 16 bits, and the number that means white."""

    numbers: UInt16[np.ndarray, "H W *C"]
    mode: str
    """Of Pillow, once there are 8 bits."""
    white: int | None
    """By the file's own words; None if it says nothing, so that it should be 65535."""


def deep_bits(picture: Image.Image) -> int:
    """Return how many bits a number of the file has by its header, as far as they matter here: 8, or up to 16."""
    if picture.mode in GREY:
        return 16
    if isinstance(picture, TiffImageFile):
        return max(picture.tag_v2.get(BITS_PER_SAMPLE, (8,)))
    tiles = picture.tile if isinstance(picture, PillowFile) else []
    return 16 if any(";16" in _raw(tile.args) for tile in tiles) else 8


def read_deep(name: str, picture: Image.Image, again: Callable[[], PillowFile], significant: int | None) -> Deep:
    """Return the pixels of a picture of 16 bits; `again` opens the file a second time.

    `significant` is the number of bits that a PNG's sBIT chunk declares. One transparent number or colour (tRNS)
    becomes alpha.

    Raises:
        ImageError: its planes are stored one by one, which Pillow reads wrongly.
    """
    tags = picture.tag_v2 if isinstance(picture, TiffImageFile) else {}
    if tags.get(PLANAR) == SEPARATE_PLANES and picture.mode not in GREY:
        raise ImageError(f"{name} has 16 bits a channel in separate planes, which is not read; save it with 8 bits")
    white = (1 << significant) - 1 if significant else tags.get(MAX_SAMPLE)
    white = max(white) if isinstance(white, tuple) else white
    if picture.mode in GREY:
        bits = max(tags.get(BITS_PER_SAMPLE, (16,)))
        numbers = np.asarray(picture).astype(np.uint16)
        if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
            numbers = ((1 << bits) - 1) - numbers
        return _with_alpha(Deep(numbers, "L", (1 << bits) - 1 if bits < 16 else white), picture)
    assert isinstance(picture, PillowFile)
    raw = _raw(picture.tile[0].args)
    if isinstance(picture, PngImageFile) and raw == "LA;16B":
        # Four bytes a pixel, whatever they mean: upper and lower byte of grey, then of alpha.
        four = _bytes(picture, "RGBA")
        return Deep(_joined(four[..., 0::2], four[..., 1::2]), "LA", white)
    mode = "RGBa" if raw.startswith("RGBa") else picture.mode  # colours multiplied by alpha, which Pillow would divide
    raw = raw.replace("RGBa", "RGBA")
    upper, lower = _bytes(picture, raw), _bytes(again(), raw[:-1] + OTHER_ORDER[raw[-1]])
    return _with_alpha(Deep(_joined(upper, lower), mode, white), picture)


def photograph_white(deep: Deep, name: str) -> int:
    """Return the number that means white in a photograph.

    Raises:
        ImageError: nothing is brighter than a quarter of 65535, and the file does not say how many bits it uses.
    """
    brightest = _brightest(deep)
    if deep.white is None and brightest < DARKEST_FULL and deep.mode != "CMYK":
        raise ImageError(
            f"{name} has 16 bits a channel, but its brightest number is {brightest:,} of {FULL:,}, as if fewer bits "
            "were used, and it does not say how many; save it with 8 bits"
        )
    # A PNG by the letter of its standard uses the upper bits, whatever number of them it declares.
    return deep.white if deep.white is not None and brightest <= deep.white else FULL


def mask_white(deep: Deep, name: str) -> int:
    """Return the number that means marked in a mask: 255 where no number is above it, as of an 8-bit mask."""
    return 255 if _brightest(deep) <= 255 else FULL if deep.white is None else deep.white


def reduced(deep: Deep, white: int) -> Image.Image:
    """Return the pixels with 8 bits, `white` at 255, each rounded to the nearest level."""
    levels = eight_bits(deep.numbers, white)
    height, width = levels.shape[:2]
    pixels = Image.frombytes(deep.mode, (width, height), levels.tobytes())
    return pixels.convert("RGBA") if deep.mode == "RGBa" else pixels


def _brightest(deep: Deep) -> int:
    return int((deep.numbers if deep.mode in ("L", "RGB", "CMYK") else deep.numbers[..., :-1]).max())


def eight_bits(numbers: UInt16[np.ndarray, "*S"], white: int) -> UInt8[np.ndarray, "*S"]:
    """Return round(255 x / white) of each number, at most 255."""
    levels = (np.arange(FULL + 1, dtype=np.int64) * 255 + white // 2) // white
    return levels.clip(0, 255).astype(np.uint8)[numbers]


def _with_alpha(deep: Deep, picture: Image.Image) -> Deep:
    transparent = picture.info.get("transparency")
    if transparent is None or deep.mode not in ("L", "RGB"):
        return deep
    colours = deep.numbers.reshape(*deep.numbers.shape[:2], -1)
    alpha = np.where((colours == np.array(transparent)).all(axis=-1, keepdims=True), 0, FULL).astype(np.uint16)
    return Deep(np.concatenate([colours, alpha], axis=-1), f"{deep.mode}A", deep.white)


def _bytes(picture: PillowFile, raw: str) -> UInt8[np.ndarray, "H W C"]:
    picture.tile = [
        tile._replace(args=(raw, *tile.args[1:]) if isinstance(tile.args, tuple) else raw) for tile in picture.tile
    ]
    return np.asarray(picture)


def _raw(arguments: object) -> str:
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def _joined(upper: Shaped[np.ndarray, "H W C"], lower: Shaped[np.ndarray, "H W C"]) -> UInt16[np.ndarray, "H W C"]:
    return (upper.astype(np.uint16) << 8) | lower
