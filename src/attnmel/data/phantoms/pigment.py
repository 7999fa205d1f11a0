"""The lesion's colours: its pigment, unevenness, dark blotch, redness, veil and regression."""

import numpy as np

from attnmel.data.phantoms.frame import Layer, ramp
from attnmel.data.phantoms.outline import DIRECTIONS, Outline
from attnmel.data.phantoms.skin import Pigments
from attnmel.data.phantoms.traits import Traits


def draw_body(rng: np.random.Generator, outline: Outline, traits: Traits) -> Layer:
    """Draw how much of the lesion there is at each pixel: 0 outside, 1 inside, fading over the border."""
    turns = np.radians(np.arange(DIRECTIONS))
    # Melanoma ends abruptly in some directions and fades in others.
    uneven = np.cos(turns + rng.uniform(0, 6.3)) + np.cos(2 * turns + rng.uniform(0, 6.3))
    fading = outline.around(traits.edge * np.exp(0.5 * traits.asymmetry * uneven))
    inside = outline.depth + 0.03 * outline.frame.texture(rng, 24) + 0.25 * fading
    return ramp(inside / np.clip(fading, 0.04, 0.8), 0.0, 1.0)


def add_pigment(rng: np.random.Generator, outline: Outline, traits: Traits, pigments: Pigments, body: Layer) -> Layer:
    """Colour the lesion; returns the melanin that it added."""
    noise = outline.frame.noise
    uneven = 1 + traits.tones * outline.frame.texture(rng, 5, octaves=5) + 0.1 * noise(rng, 60)
    profile = 1 + traits.centre * (np.clip(outline.depth, 0, 1) - 0.4)
    drift = 1 + 1.2 * traits.asymmetry * (outline.area(rng, 0.45, lean=1.2, cells=3) - 0.45)
    melanin = traits.darkness * body * np.clip(uneven * profile * drift, 0.12, 2.2)
    if traits.blotch:
        melanin += traits.blotch * body * outline.area(rng, rng.uniform(0.1, 0.3), lean=1.0, cells=6)
    pigments.blood += body * traits.redness * (1 + 0.5 * outline.frame.texture(rng, 4))
    if traits.redness > 0.25:
        pigments.blood += 0.15 * ramp(outline.depth, -0.6, 0.1) * traits.redness  # a halo of inflamed skin
    if traits.waxy:
        melanin, pigments.white = _waxy(rng, outline, traits, melanin, pigments.white, body)
    melanin = _veil_and_scar(rng, outline, traits, pigments, melanin)
    return np.maximum(melanin, 0)


def _veil_and_scar(
    rng: np.random.Generator, outline: Outline, traits: Traits, pigments: Pigments, melanin: Layer
) -> Layer:
    if traits.veil:
        veil = outline.area(rng, traits.veil, lean=0.7, cells=4) * np.clip(
            0.75 + 0.3 * outline.frame.texture(rng, 10), 0, 1
        )
        pigments.deep += veil * np.float32(rng.uniform(0.35, 0.7))
        pigments.white += veil * np.float32(rng.uniform(0.03, 0.16))
        melanin = melanin * (1 - 0.3 * veil)
    if traits.regression:
        scar = outline.area(rng, traits.regression, lean=0.6, cells=6)
        pigments.deep += 0.12 * scar * np.clip(1 + outline.frame.noise(rng, 40), 0, 3)  # blue-grey peppering
        pigments.white += 0.22 * scar
        melanin = melanin * (1 - 0.8 * scar)
    return melanin


def _waxy(
    rng: np.random.Generator, outline: Outline, traits: Traits, melanin: Layer, white: Layer, body: Layer
) -> tuple[Layer, Layer]:
    """Dull the surface, cut fissures into it: dark furrows where slow noise crosses zero, as on a brain."""
    frame = outline.frame
    folds = np.abs(frame.noise(rng, rng.uniform(10, 18)) + 0.4 * frame.noise(rng, 24))
    fissures = ramp(folds, 0.35, 0.0) * body
    grain = 1 + 0.14 * frame.noise(rng, 26)
    melanin = (0.75 * melanin + 0.12 * body) * grain + 0.3 * traits.waxy * fissures
    return melanin, white + body * np.float32(0.10 * traits.waxy)
