"""Pure functions on one image and its lesion mask: the one preprocessing of cache, predictor and service. No torch.

Legend of shapes: B images, C channels, S prepared side, s crop side, h w size of a map, H W size of the original image.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from attnmel.data.image_files.decode import decode_scaled, opened
from attnmel.data.image_files.masks import mask_levels
from attnmel.data.image_files.picture import STORED_FROM_BOTTOM, STORED_FROM_RIGHT, ImageSource, upright, upright_size
from attnmel.data.image_files.reading import read_picture
from attnmel.errors import ConfigError, ImageError
from attnmel.shapes import Bool, Float, Float32, Float64, Shaped, UInt8

MASK_THRESHOLD = 127
"""A pixel above it is lesion: masks are 0 or 255, and grey levels of a resized or JPEG mask go to the nearer one."""

_BINARY = [0] * (MASK_THRESHOLD + 1) + [255] * (255 - MASK_THRESHOLD)

BLACK_TO_WHITE = 255.0


class Square(NamedTuple):
    """A square part of an image, in pixels of the upright original; it may exceed the image."""

    width: int
    """Of the whole image."""
    height: int
    left: float
    """Ends in .5 where the borders could not be equal otherwise."""
    top: float
    side: float


def central_square(width: int, height: int, share: float) -> Square:
    """Return the central square whose side is `share` of the shorter side, at least one pixel."""
    side = max(1, round(share * min(width, height)))
    return Square(width, height, (width - side) / 2, (height - side) / 2, side)


Box = tuple[float, float, float, float]
"""Left, top, right and bottom of a part of an image, in pixels."""

Part = float | Square | None
"""The part of an image that is prepared: its central square by the share of the shorter side, another square, or None
for all of it, squashed to a square."""


def seen_box(width: int, height: int, crop: Part) -> Box:
    """Return the part of an image that is prepared as a box."""
    if crop is None:
        return (0, 0, width, height)
    square = crop if isinstance(crop, Square) else central_square(width, height, crop)
    return (square.left, square.top, square.left + square.side, square.top + square.side)


def image_size(source: ImageSource) -> tuple[int, int]:
    """Return width and height in pixels, upright, without decoding the pixels."""
    with opened(source) as picture:
        return upright_size(picture)


def prepared_image(source: ImageSource, *, crop: Part, side: int) -> UInt8[np.ndarray, "S S 3"]:
    """Return a part of an image, resized with antialiasing; RGB in 0..255.

    Where a square exceeds the image, the image is continued by its mirror image. A large JPEG is decoded at the
    smallest scale at which that part still has `side` pixels or more each way: faster, and about one grey level off, on
    average, from decoding it whole.
    """
    return prepared_parts(source, [crop], side=side).parts[0]


class PreparedParts(NamedTuple):
    """Parts of an image, prepared."""

    parts: list[UInt8[np.ndarray, "S S 3"]]
    notes: tuple[str, ...]
    """How the image was read, as `Reading.notes`."""


def prepared_parts(source: ImageSource, crops: Sequence[Part], *, side: int) -> PreparedParts:
    """Return several parts of an image, which is decoded once, each as `prepared_image` does."""
    with opened(source) as picture:
        size = upright_size(picture)
        boxes = [seen_box(*size, crop) for crop in crops]
        shortest = min(min(box[2] - box[0], box[3] - box[1]) for box in boxes)
        scale = decode_scaled(picture, int(shortest) // side)
        read = read_picture(picture)
        # Turned before it is resized: rounding to grey levels, across and then down, would not be the same after it.
        pixels = read.pixels
        scaled = [scaled_box(box, scale, size, pixels.size, read.orientation) for box in boxes]
        parts = [np.asarray(_resized(pixels, box, side)) for box in scaled]
        return PreparedParts(parts, read.reading.notes)


def prepared_pixels(image: UInt8[np.ndarray, "H W *C"], *, crop: Part, side: int) -> UInt8[np.ndarray, "S S *C"]:
    """Return a part of a decoded, upright image or mask, as `prepared_image` does of a file decoded whole."""
    height, width = image.shape[:2]
    return np.asarray(_resized(Image.fromarray(image), seen_box(width, height, crop), side))


def prepared_mask(path: Path, *, image_size: tuple[int, int], crop: Part, side: int) -> UInt8[np.ndarray, "S S"]:
    """Return a lesion mask in the geometry of its prepared image: 255 inside, 0 outside, between them on the border.

    Its pixels mean what `mask_levels` says, and are taken as lesion above 127.

    Raises:
        ImageError: the file cannot be used, is not of `image_size` (width, height), or marks no pixel.
    """
    with opened(path) as picture:
        check_mask_size(path, upright_size(picture), image_size)
        grey = mask_levels(picture)
        brightest = int(grey.getextrema()[1])  # pyright: ignore[reportArgumentType] - a pair for one channel
        if brightest <= MASK_THRESHOLD:
            raise ImageError(
                f"mask {path.name} is empty: its brightest pixel is {brightest}, expected 255 inside the lesion and 0 "
                "outside; correct it, or leave the mask out"
            )
        box = seen_box(*image_size, crop)
        return np.asarray(_resized(upright(grey.point(_BINARY), picture), box, side))


def lesion_mask(path: Path, *, image_size: tuple[int, int]) -> Bool[np.ndarray, "H W"]:
    """Return the lesion's pixels of the upright image, read as by `prepared_mask`; none may be marked."""
    with opened(path) as picture:
        check_mask_size(path, upright_size(picture), image_size)
        return np.asarray(upright(mask_levels(picture), picture)) > MASK_THRESHOLD


def check_mask_size(path: Path, found: tuple[int, int], image_size: tuple[int, int]) -> None:
    """Refuse a mask of another width and height than its image's.

    Raises:
        ImageError: both sizes.
    """
    if found != image_size:
        raise ImageError(
            f"mask {path.name} is {found[0]} x {found[1]} pixels, but its image is {image_size[0]} x "
            f"{image_size[1]}; expected the same size: correct it, or leave the mask out"
        )


def central_crop(prepared: Shaped[np.ndarray, "B S S *C"], size: int) -> Shaped[np.ndarray, "B s s *C"]:
    """Return the central `size` pixels of prepared images or masks: a view, as `evaluation_batches` cuts them."""
    offset = crop_offset(prepared.shape[1], size)
    return prepared[:, offset : offset + size, offset : offset + size]


def crop_offset(side: int, size: int) -> int:
    """Return where the central crop starts, in prepared pixels.

    Raises:
        ConfigError: `size` is more than the prepared side.
    """
    if not 0 < size <= side:
        raise ConfigError(f"cannot cut {size} pixels out of prepared images of {side}; expected 1 to {side}")
    return (side - size) // 2


def normalised(
    pixels: UInt8[np.ndarray, "s s 3"], mean: Sequence[float], std: Sequence[float]
) -> Float32[np.ndarray, "3 s s"]:
    """Return the network's input (x / 255 - mean) / std, a contiguous array; `mean` and `std` are of RGB in [0, 1].

    The same operations, in the same order, as the loader's: the two agree to the last bit.
    """
    shift, scale = shift_and_scale(mean, std)
    return np.ascontiguousarray(((pixels.astype(np.float32) - shift) * scale).transpose(2, 0, 1))


def shift_and_scale(
    mean: Sequence[float], std: Sequence[float]
) -> tuple[Float32[np.ndarray, " 3"], Float32[np.ndarray, " 3"]]:
    """Return what to subtract from RGB in 0..255, then what to multiply by, to normalise it."""
    shift = np.asarray(mean, dtype=np.float64) * BLACK_TO_WHITE
    scale = 1 / (np.asarray(std, dtype=np.float64) * BLACK_TO_WHITE)
    return shift.astype(np.float32), scale.astype(np.float32)


def whole_frame(
    heights: Float[np.ndarray, "h w"], square: Square, *, size: int, side: int
) -> Float32[np.ndarray, "H W"]:
    """Return a map of the network's input in the original's geometry, bilinear; 0 where the network did not look.

    The map covers the central `size` of the `side` prepared pixels of the square. Positions are of pixel centres
    (align_corners false), as `bilinear` takes them.
    """
    pixel = square.side / side
    length = size * pixel
    start = crop_offset(side, size) * pixel
    down = bilinear(square.height, heights.shape[0], start=square.top + start, length=length)
    across = bilinear(square.width, heights.shape[1], start=square.left + start, length=length)
    return down.astype(np.float32) @ heights.astype(np.float32) @ across.astype(np.float32).T


def unsquashed(heights: Float[np.ndarray, "h w"], width: int, height: int) -> Float32[np.ndarray, "H W"]:
    """Return a map of a squashed image (`crop` None) in the image's own geometry, bilinear as `whole_frame` is."""
    down, across = bilinear(height, heights.shape[0]), bilinear(width, heights.shape[1])
    return down.astype(np.float32) @ heights.astype(np.float32) @ across.astype(np.float32).T


def bilinear(
    pixels: int, cells: int, *, start: float = 0, length: float | None = None
) -> Float64[np.ndarray, "pixels cells"]:
    """Return the weight of each cell of a map for each pixel of one axis, both taken at their centres.

    The cells share `length` pixels from `start` on, or else all; pixels outside weigh nothing. Those beyond the
    outermost cell centres take the outermost cell, as torch's `interpolate(align_corners=False)`.
    """
    length = pixels if length is None else length
    centres = np.arange(pixels) + 0.5
    inside = (centres >= start) & (centres < start + length)
    place = ((centres - start) / length * cells - 0.5).clip(0, cells - 1)
    return (1 - np.abs(place[:, None] - np.arange(cells))).clip(0, 1) * inside[:, None]


def scaled_box(box: Box, scale: int, size: tuple[int, int], scaled: tuple[int, int], orientation: int) -> Box:
    """Return a box of an upright picture of `size` in one of `scaled` pixels, decoded at 1/`scale`.

    A pixel of the scaled picture covers `scale` pixels of the original from the first one stored on, and the original
    may end within the last one, which turning may bring to the left or the top.
    """
    across = scaled[0] - size[0] / scale if orientation in STORED_FROM_RIGHT else 0
    down = scaled[1] - size[1] / scale if orientation in STORED_FROM_BOTTOM else 0
    left, top, right, bottom = (edge / scale for edge in box)
    return (left + across, top + down, right + across, bottom + down)


def _resized(pixels: Image.Image, box: Box, side: int) -> Image.Image:
    left, top, right, bottom = box
    rims = [math.ceil(max(rim, 0)) for rim in (-left, -top, right - pixels.width, bottom - pixels.height)]
    if any(rims):
        pixels = _continued(pixels, *rims)
        left, top, right, bottom = left + rims[0], top + rims[1], right + rims[0], bottom + rims[1]
    return pixels.resize((side, side), Image.Resampling.BILINEAR, box=(left, top, right, bottom))


def _continued(pixels: Image.Image, left: int, top: int, right: int, bottom: int) -> Image.Image:
    """Return a picture with rims of so many pixels, which are its mirror image."""
    array = np.asarray(pixels)
    rims = [(top, bottom), (left, right), (0, 0)][: array.ndim]
    return Image.fromarray(np.pad(array, rims, mode="symmetric"))
