"""An image, an attention map and a lesion mask to one picture that shows all three, the mask as a line along it."""

from functools import cache

import numpy as np
from PIL import Image, ImageFilter

from attnmel.data.preprocess.images import MASK_THRESHOLD, Square, seen_box
from attnmel.errors import ImageError
from attnmel.number_formats import significant
from attnmel.shapes import Bool, Float, UInt8

COLOURS = "viridis"
"""Perceptually uniform, legible to the colour-blind, and far in hue from skin and pigment (matplotlib's name)."""

STRONGEST = 0.5
"""Opacity where the map is 1: the lesion's structures stay visible through it."""

FADING = 1.3
"""Exponent of the opacity: above 1, low attention leaves the skin as it is."""

LINE_SHARE = 1 / 300
"""Width of the border's light line as a share of the picture's shorter side."""

LEAST_LINE = 1.0
"""Width in pixels below which a line would break up."""

DASH = 8
"""Length of a dash in widths of its line."""

LIGHT, DARK = (255, 255, 255), (20, 20, 24)


def overlay(
    image: UInt8[np.ndarray, "H W 3"],
    attention: Float[np.ndarray, "h w"] | None = None,
    mask: UInt8[np.ndarray, "H W"] | Bool[np.ndarray, "H W"] | None = None,
) -> UInt8[np.ndarray, "H W 3"]:
    """Lay an attention map over an image and draw the lesion's border on top.

    The map is in [0, 1] and is resized bilinearly to the image; it is shown as it is, so call `stretched_map` first
    where the pattern matters more than the level. `mask` is the lesion mask (uint8: above 127 is lesion).

    Raises:
        ImageError: a map outside [0, 1].
    """
    picture = Image.fromarray(image)
    if attention is not None:
        level = _level(attention, picture.size)
        picture.paste(Image.fromarray(_colours()[level]), mask=Image.fromarray(_opacity()[level]))
    if mask is not None:
        halo, line = _border(mask)
        picture.paste(DARK, mask=Image.fromarray(halo))
        picture.paste(LIGHT, mask=Image.fromarray(line))
    return np.asarray(picture)


def square_drawn(picture: UInt8[np.ndarray, "H W 3"], square: Square, scale: float = 1.0) -> UInt8[np.ndarray, "H W 3"]:
    """Draw the square that a network saw onto a picture of a whole image, as a dashed light line on a dark one.

    The lines run along the inside of the square; what exceeds the image is not seen. `scale` is the picture's size as
    a share of the image's.
    """
    height, width = picture.shape[:2]
    line = max(1, round(LINE_SHARE * min(height, width)))
    left, top, right, bottom = (round(edge * scale) for edge in seen_box(square.width, square.height, square))
    down, across = np.arange(height)[:, None], np.arange(width)

    def within(rim: int) -> Bool[np.ndarray, "H W"]:
        rows = (down >= top + rim) & (down < bottom - rim)
        return rows & (across >= left + rim) & (across < right - rim)

    drawn = picture.copy()
    drawn[within(0) & ~within(2 * line)] = DARK
    drawn[within(0) & ~within(line) & ((down + across) // (DASH * line) % 2 == 0)] = LIGHT
    return drawn


def border_layer(mask: UInt8[np.ndarray, "H W"] | Bool[np.ndarray, "H W"]) -> UInt8[np.ndarray, "H W 4"]:
    """Return the lesion's border alone, as `overlay` draws it, on nothing: red, green, blue and opacity."""
    halo, line = (one[..., None] / 255 for one in _border(mask))
    dark = halo * (1 - line)
    opacity = dark + line
    colours = (np.array(DARK) * dark + np.array(LIGHT) * line) / np.where(opacity > 0, opacity, 1)
    return np.concatenate([colours, opacity * 255], axis=-1).round().astype(np.uint8)


def map_layer(level: UInt8[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 4"]:
    """Return a map of 0 to 255 alone, in the overlay's colours: red, green, blue and opacity, full where it is 255.

    Laid over an image at `STRONGEST` it is what `overlay` draws.
    """
    opacity = (_opacity()[level] / STRONGEST).round().clip(max=255).astype(np.uint8)
    return np.concatenate([_colours()[level], opacity[..., None]], axis=-1)


def stretched_map(attention: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """Spread a map over [0, 1], lowest to 0 and highest to 1; a map of one value becomes 0 everywhere.

    The measured overlap with the lesion uses the same scale, image by image.
    """
    low, high = float(attention.min()), float(attention.max())
    if not high > low:
        return np.zeros_like(attention)
    return (attention - low) / (high - low)


def legend_stops() -> tuple[str, ...]:
    """Return the overlay's colours from 0 to 1 as CSS, opacity included."""
    levels = np.linspace(0, 255, 9).round().astype(np.uint8)
    rows = zip(_colours()[levels].tolist(), _opacity()[levels].tolist(), strict=True)
    return tuple(f"rgb({red} {green} {blue} / {opacity / 255:.2f})" for (red, green, blue), opacity in rows)


def _level(attention: Float[np.ndarray, "h w"], size: tuple[int, int]) -> UInt8[np.ndarray, "H W"]:
    low, high = float(attention.min()), float(attention.max())
    # "not >=" also catches NaN. Maps of bf16 networks round to a hair above 1.
    if not (low >= 0 and high <= 1 + 1e-3):
        raise ImageError(
            f"the attention map lies in [{significant(low)}, {significant(high)}], expected values in [0, 1]"
        )
    plane = Image.fromarray(attention.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    return (np.asarray(plane).clip(0, 1) * 255).round().astype(np.uint8)


def _border(mask: UInt8[np.ndarray, "H W"] | Bool[np.ndarray, "H W"]) -> tuple[np.ndarray, np.ndarray]:
    """Opacity of the dark halo and of the light line, antialiased; nothing along the frame of the picture.

    A step blurred with a Gaussian of deviation s is Phi(d / s) at distance d from it; with Phi(x) close to
    1 / (1 + exp(-1.702 x)) (Haley 1952), the distance follows from the blurred mask without a distance transform.
    """
    width = max(LEAST_LINE, LINE_SHARE * min(mask.shape))
    deviation = 1.25 * width + 0.75
    lesion = mask if mask.dtype == bool else mask > MASK_THRESHOLD
    plain = Image.fromarray(np.where(lesion, np.uint8(255), np.uint8(0)))
    blurred = np.asarray(plain.filter(ImageFilter.GaussianBlur(deviation)), dtype=np.float32)
    share = blurred.clip(0.5, 254.5) / 255
    distance = np.abs(np.log(share / (1 - share))) * (deviation / 1.702)
    line = (width / 2 + 0.5 - distance).clip(0, 1)
    halo = (width * 1.5 + 0.5 - distance).clip(0, 1) * 0.55
    return (halo * 255).astype(np.uint8), (line * 255).astype(np.uint8)


@cache
def _colours() -> UInt8[np.ndarray, "256 3"]:
    from matplotlib import colormaps

    return (colormaps[COLOURS](np.arange(256))[:, :3] * 255).round().astype(np.uint8)


@cache
def _opacity() -> UInt8[np.ndarray, " 256"]:
    return (STRONGEST * np.linspace(0, 1, 256) ** FADING * 255).round().astype(np.uint8)
