"""The strip below an overlay: what it shows, and the scale of its colours."""

from functools import cache
from math import ceil

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from attnmel.number_formats import fixed
from attnmel.saliency.overlays import overlay
from attnmel.shapes import Float, UInt8

PAPER, INK = (255, 255, 255), (20, 20, 24)

LEAST_LETTER, LETTER_SHARE = 11, 1 / 36
"""Height of the letters in pixels, and as a share of the picture's shorter side."""

BAR_SHARE, LEAST_BAR = 0.3, 2
"""Length of the colour scale as a share of the picture's width, and at least, in heights of a letter."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def captioned(picture: UInt8[np.ndarray, "H W 3"], text: str, ends: tuple[float, float]) -> UInt8[np.ndarray, "_ _ 3"]:
    """Return an overlay with a strip below: a text, and the scale of its colours from the map's lowest to its highest.

    The colours are laid over the picture's mean colour, as they are over the picture. Where one line has no room, the
    text is broken between words and the scale has a line of its own. The result is as wide as the picture, or, where
    that is narrower than a word or the scale, as these need: the picture is then at its left.
    """
    height, width = picture.shape[:2]
    letter = max(LEAST_LETTER, round(LETTER_SHARE * min(height, width)))
    font, gap = _font(letter), letter // 2
    low, high = (fixed(end, 2) for end in ends)
    bar = max(round(BAR_SHARE * width), LEAST_BAR * letter)
    scale_width = round(font.getlength(low) + font.getlength(high)) + bar + 2 * gap
    one_line = 3 * gap + font.getlength(text) + scale_width <= width
    whole = max(width, scale_width + 2 * gap, *(ceil(font.getlength(word)) + 2 * gap for word in text.split()))
    lines = [text] if one_line else _broken(text, font, whole - 2 * gap)
    line, step = letter + 2 * gap, letter + gap
    below = (len(lines) - 1) * step
    strip = Image.new("RGB", (whole, line if one_line else 2 * line + below), PAPER)
    draw = ImageDraw.Draw(strip)
    for number, part in enumerate(lines):
        draw.text((gap, gap + number * step), part, fill=INK, font=font)
    top = gap if one_line else line + below + gap // 2
    left = whole - gap - scale_width
    draw.text((left, top), low, fill=INK, font=font)
    start = left + round(font.getlength(low)) + gap
    strip.paste(Image.fromarray(_scale(picture, bar, letter)), (start, top + letter // 6))
    draw.text((start + bar + gap, top), high, fill=INK, font=font)
    margin = np.full((height, whole - width, 3), PAPER, np.uint8)
    return np.concatenate([np.concatenate([picture, margin], axis=1), np.asarray(strip)])


def _broken(text: str, font: Font, width: int) -> list[str]:
    """Return a text in lines of at most a width in pixels, broken between words; a longer word has its own line."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _scale(picture: UInt8[np.ndarray, "H W 3"], length: int, height: int) -> UInt8[np.ndarray, "h w 3"]:
    """Return the colours of an overlay from 0 to 1, from left to right."""
    mean = picture.reshape(-1, 3).mean(axis=0).round().astype(np.uint8)
    ground = np.broadcast_to(mean, (height, length, 3)).copy()
    values: Float[np.ndarray, "h w"] = np.broadcast_to(np.linspace(0, 1, length, dtype=np.float32), (height, length))
    return overlay(ground, values)


@cache
def _font(size: int) -> Font:
    return ImageFont.load_default(size)
