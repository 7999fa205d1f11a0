"""Skin and light: everything of a dermoscopy image but the lesion, as optical densities of melanin and blood.

Light that passes a layer loses a share of each colour: exp(-amount x absorbance), the law of Beer and Lambert. Adding
amounts of three pigments gives every colour of skin and lesion, so lesions of all tones look like the same material.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from attnmel.data.phantoms.frame import Frame, Layer, ramp

Picture = Float[np.ndarray, "H W 3"]

# Absorbance in red, green and blue of sRGB, read off the colours of real images: ratios of lesion to skin around it.
MELANIN = np.array([0.44, 0.79, 1.22], np.float32)
DEEP_MELANIN = np.array([1.02, 0.82, 0.52], np.float32)  # blue-grey: scattered by the skin above it
BLOOD = np.array([0.08, 0.62, 0.60], np.float32)
WHITE = np.array([0.93, 0.92, 0.96], np.float32)  # scar, veil and keratin throw back a slightly blue white
DARKEST = np.array([0.085, 0.060, 0.055], np.float32)  # what the camera makes of black


@dataclasses.dataclass
class Pigments:
    """Amounts of each pigment a pixel, and the white that lies over them."""

    melanin: Layer
    deep: Layer
    blood: Layer
    white: Layer
    """Share of the light scattered back before any pigment, in [0, 1]."""

    def picture(self, light: Picture) -> Picture:
        """Return the colours that the camera sees, in [0, 1]."""
        amounts = (self.melanin, self.deep, self.blood)
        density = sum(a[..., None] * b for a, b in zip(amounts, (MELANIN, DEEP_MELANIN, BLOOD), strict=True))
        seen = DARKEST + (1 - DARKEST) * np.exp(-density)
        return light * (seen + self.white[..., None] * (WHITE - seen))


def draw_skin(rng: np.random.Generator, frame: Frame) -> Pigments:
    """Draw bare skin: its tone, blotches of blood, fine furrows, now and then freckles."""
    tone, flush = rng.gamma(2.2, 0.055) + 0.02, rng.uniform(0.06, 0.36)
    mottled = frame.noise(rng, 4) + 0.7 * frame.noise(rng, 11)
    melanin = tone * (1 + 0.12 * frame.noise(rng, 5)) + 0.012 * frame.texture(rng, 40, octaves=2)
    blood = flush + rng.uniform(0.015, 0.06) * mottled + 0.012 * frame.noise(rng, 30)
    if rng.random() < 0.25:
        melanin += rng.uniform(0.05, 0.2) * ramp(frame.texture(rng, rng.uniform(9, 18)), 0.9, 2.8)
    melanin += rng.uniform(0.0, 0.026) * _furrows(rng, frame)
    empty = np.zeros((frame.height, frame.width), np.float32)
    return Pigments(np.maximum(melanin, 0), empty, np.maximum(blood, 0), empty.copy())


def _furrows(rng: np.random.Generator, frame: Frame) -> Layer:
    """Crossing fine lines, as of skin under glass: two families of wavy stripes."""
    total = np.zeros((frame.height, frame.width), np.float32)
    first = rng.uniform(0, np.pi)
    for turn in (first, first + rng.uniform(0.8, 1.8)):
        along = frame.x * np.float32(np.cos(turn)) + frame.y * np.float32(np.sin(turn))
        stripes = np.cos(along * np.float32(2 * np.pi * rng.uniform(18, 30)) + 2.2 * frame.noise(rng, 7))
        total += ramp(stripes, 0.4, 1.0) * (1 + 0.5 * frame.noise(rng, 9))
    return total


def draw_light(rng: np.random.Generator, frame: Frame) -> Picture:
    """Draw the lamp: exposure, white balance, a slow fall across the frame, dark corners in some frames."""
    balance = np.exp(rng.normal(0, [0.03, 0.045, 0.075])).astype(np.float32)
    slope, turn = rng.uniform(0, 0.16), rng.uniform(0, 2 * np.pi)
    distance = np.sqrt(frame.x**2 + frame.y**2)
    fall = 1 + slope * (frame.x * np.cos(turn) + frame.y * np.sin(turn)) - rng.uniform(0, 0.22) * distance**2
    if rng.random() < 0.16:
        edge = rng.uniform(0.55, 0.72)
        fall = fall * (0.04 + 0.96 * ramp(distance, edge + rng.uniform(0.02, 0.12), edge))
    exposure = np.clip(rng.normal(0.93, 0.08), 0.66, 1.05)
    return fall.astype(np.float32)[..., None] * (np.float32(exposure) * balance)
