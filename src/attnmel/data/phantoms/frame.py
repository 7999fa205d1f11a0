"""The sheet that a phantom is drawn on: coordinates, smooth noise, and vector strokes turned into layers.

Lengths are shares of the frame's shorter side and coordinates start at its centre, so a phantom looks the same at
every resolution. H and W stand for the frame's height and width in pixels.
"""

import dataclasses
import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw

Layer = Float[np.ndarray, "H W"]
Point = tuple[float, float]

# The variance that bicubic interpolation leaves of unit noise, found by trying.
_NOISE_SPREAD = 0.72
# Strength of each octave of rough noise over the one before it.
_FINER = 0.7
# Small frames are stroked at twice their size, so that thin hairs come out smooth; large ones have pixels to spare.
_FINE_UP_TO = 1000


@dataclasses.dataclass(frozen=True)
class Frame:
    """Height and width in pixels, with the coordinates of every pixel."""

    height: int
    width: int

    @property
    def unit(self) -> int:
        """Shorter side in pixels: the length that all shares are of."""
        return min(self.height, self.width)

    @cached_property
    def x(self) -> Layer:
        """Place of each column, one row of it."""
        return ((np.arange(self.width, dtype=np.float32) + 0.5 - self.width / 2) / self.unit)[None, :]

    @cached_property
    def y(self) -> Layer:
        """Place of each row, one column of it."""
        return ((np.arange(self.height, dtype=np.float32) + 0.5 - self.height / 2) / self.unit)[:, None]

    def noise(self, rng: np.random.Generator, cells: float) -> Layer:
        """Smooth noise of mean 0 and spread about 1, with `cells` bumps along the shorter side."""
        rows, columns = (max(2, math.ceil(cells * side / self.unit)) for side in (self.height, self.width))
        return self.enlarged(rng.standard_normal((rows, columns), dtype=np.float32)) / np.float32(_NOISE_SPREAD)

    def texture(self, rng: np.random.Generator, cells: float, octaves: int = 3) -> Layer:
        """Rough noise of mean 0 and spread about 1: smooth noise at `cells` bumps and at finer and finer ones."""
        total = np.zeros((self.height, self.width), np.float32)
        for octave in range(octaves):
            total += np.float32(_FINER**octave) * self.noise(rng, cells * 2**octave)
        return total / np.float32(math.sqrt(sum(_FINER ** (2 * octave) for octave in range(octaves))))

    def enlarged(self, coarse: Float[np.ndarray, "h w"]) -> Layer:
        """Bicubic interpolation of a coarse field to the frame."""
        size = (self.width, self.height)
        return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))


class Sketch:
    """White strokes on black, smoothed into a layer in [0, 1]."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._fine = 2 if frame.unit <= _FINE_UP_TO else 1
        self._sheet = Image.new("L", (frame.width * self._fine, frame.height * self._fine))
        self._pen = ImageDraw.Draw(self._sheet)

    def _pixels(self, point: Point) -> Point:
        scale = self._frame.unit * self._fine
        x, y = point
        return x * scale + self._sheet.width / 2, y * scale + self._sheet.height / 2

    def _thickness(self, width: float) -> int:
        return max(1, round(width * self._frame.unit * self._fine))

    def stroke(self, points: Sequence[Point], width: float, strength: float = 1.0) -> None:
        """Draw a line through the points."""
        ends = [self._pixels(point) for point in points]
        self._pen.line(ends, fill=round(255 * strength), width=self._thickness(width), joint="curve")

    def dot(self, centre: Point, radius: float, strength: float = 1.0) -> None:
        """Draw a filled disc."""
        self._pen.ellipse(self._box(centre, radius), fill=round(255 * strength))

    def arc(self, centre: Point, radius: float, degrees: Point, width: float) -> None:
        """Draw a part of a ring, between two directions (0 to the right, clockwise)."""
        self._pen.arc(self._box(centre, radius), *degrees, fill=255, width=self._thickness(width))

    def _box(self, centre: Point, radius: float) -> tuple[float, float, float, float]:
        x, y = self._pixels(centre)
        reach = max(0.5, radius * self._frame.unit * self._fine)
        return x - reach, y - reach, x + reach, y + reach

    def layer(self) -> Layer:
        """Return how much of each pixel the strokes cover."""
        sheet = self._sheet if self._fine == 1 else self._sheet.reduce(self._fine)
        return np.asarray(sheet, dtype=np.float32) / np.float32(255)


def ramp(values: Float[np.ndarray, "..."], start: float, end: float) -> Float[np.ndarray, "..."]:
    """Smooth step, 3t^2 - 2t^3: 0 up to `start`, 1 from `end` on; falling where `end` is below `start`."""
    t = (values - np.float32(start)) * np.float32(1 / (end - start))
    np.clip(t, 0, 1, out=t)
    return t * t * (3 - 2 * t)
