"""The strip below an overlay: what it shows, and the scale of its colours."""

from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from attnmel.number_formats import fixed
from attnmel.saliency.overlays import overlay
from attnmel.shapes import Float, UInt8

PAPER, INK = (255, 255, 255), (20, 20, 24)

LEAST_LETTER, LETTER_SHARE = 11, 1 / 36
"""Height of the letters in pixels, and as a share of the picture's shorter side."""

BAR_SHARE = 0.3
"""Length of the colour scale as a share of the picture's width."""


def captioned(picture: UInt8[np.ndarray, "H W 3"], text: str, ends: tuple[float, float]) -> UInt8[np.ndarray, "_ W 3"]:
    """Return an overlay with a strip below: a text, and the scale of its colours from the map's lowest to its highest.

    The colours are laid over the picture's mean colour, as they are over the picture. The strip is as wide as the
    picture, and two lines high where one line has no room.
    """
    height, width = picture.shape[:2]
    letter = max(LEAST_LETTER, round(LETTER_SHARE * min(height, width)))
    font, gap = _font(letter), letter // 2
    low, high = (fixed(end, 2) for end in ends)
    bar = round(BAR_SHARE * width)
    scale_width = round(font.getlength(low) + font.getlength(high)) + bar + 2 * gap
    one_line = 3 * gap + font.getlength(text) + scale_width <= width
    line = letter + 2 * gap
    strip = Image.new("RGB", (width, line if one_line else 2 * line), PAPER)
    draw = ImageDraw.Draw(strip)
    draw.text((gap, gap), text, fill=INK, font=font)
    top = gap if one_line else line + gap // 2
    left = width - gap - scale_width
    draw.text((left, top), low, fill=INK, font=font)
    start = left + round(font.getlength(low)) + gap
    strip.paste(Image.fromarray(_scale(picture, bar, letter)), (start, top + letter // 6))
    draw.text((start + bar + gap, top), high, fill=INK, font=font)
    return np.concatenate([picture, np.asarray(strip)])


def _scale(picture: UInt8[np.ndarray, "H W 3"], length: int, height: int) -> UInt8[np.ndarray, "h w 3"]:
    """Return the colours of an overlay from 0 to 1, from left to right."""
    mean = picture.reshape(-1, 3).mean(axis=0).round().astype(np.uint8)
    ground = np.broadcast_to(mean, (height, length, 3)).copy()
    values: Float[np.ndarray, "h w"] = np.broadcast_to(np.linspace(0, 1, length, dtype=np.float32), (height, length))
    return overlay(ground, values)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
