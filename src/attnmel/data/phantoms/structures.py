"""What dermatologists look for inside the lesion, each drawn into the pigments and returned as the area it covers."""

import numpy as np
from jaxtyping import Bool

from attnmel.data.phantoms.frame import Frame, Layer, Sketch, ramp
from attnmel.data.phantoms.outline import Outline
from attnmel.data.phantoms.skin import Pigments
from attnmel.data.phantoms.traits import Traits

Area = Bool[np.ndarray, "H W"]

OFFICIAL_FEATURES: tuple[str, ...] = ("pigment_network", "negative_network", "milia_like_cyst", "streaks")
"""The features that ISIC 2017 part 2 marks."""
FEATURES: tuple[str, ...] = (*OFFICIAL_FEATURES, "globules")


def add_structures(
    rng: np.random.Generator, outline: Outline, traits: Traits, pigments: Pigments, melanin: Layer
) -> dict[str, Area]:
    """Draw the lesion's melanin with its structures into the pigments.

    Returns the area of each of `FEATURES`, empty where the lesion has none.
    """
    features = dict.fromkeys(FEATURES, np.zeros_like(outline.depth, dtype=bool))
    generators = dict(zip(FEATURES, rng.spawn(len(FEATURES)), strict=True))
    for name, strength, draw in (
        ("pigment_network", traits.network, _network),
        ("negative_network", traits.negative_network, _negative),
        ("globules", traits.globules, _globules),
        ("streaks", traits.streaks, _streaks),
    ):
        if strength:
            melanin, features[name] = draw(generators[name], outline, traits, melanin)
    pigments.melanin += melanin
    if traits.cysts:
        features["milia_like_cyst"] = _cysts(generators["milia_like_cyst"], outline, traits, pigments)
    return features


def honeycomb(rng: np.random.Generator, frame: Frame, mesh: float, warp: float) -> Layer:
    """Lines of a warped honeycomb, 1 on a line and 0 in a hole.

    The sum of three plane waves at 60 degrees peaks on a triangular lattice: the holes. `warp` shifts it by noise.
    """
    x = frame.x + np.float32(warp * mesh) * frame.texture(rng, 6, octaves=2)
    y = frame.y + np.float32(warp * mesh) * frame.texture(rng, 6, octaves=2)
    turn = rng.uniform(0, np.pi / 3)
    waves = np.zeros((frame.height, frame.width), np.float32)
    for third in range(3):
        direction = turn + third * np.pi / 3
        step = 2 * np.pi / (mesh * np.sqrt(0.75))
        waves += np.cos(np.float32(step * np.cos(direction)) * x + np.float32(step * np.sin(direction)) * y)
    return ramp(waves + np.float32(0.4 + 1.8 * warp) * frame.texture(rng, 11), 1.7, -1.4)


def _network(rng: np.random.Generator, outline: Outline, traits: Traits, melanin: Layer) -> tuple[Layer, Area]:
    lines = honeycomb(rng, outline.frame, traits.mesh * (1 + 0.35 * traits.atypia), 0.3 + 0.25 * traits.atypia)
    # A typical network fills the lesion and thins out at its border; an atypical one breaks off.
    area = outline.area(rng, 0.85 - 0.5 * traits.atypia, lean=traits.atypia)
    strength = area * np.float32(traits.network) * np.clip(0.75 + 0.35 * outline.frame.noise(rng, 7), 0, 1.3)
    return melanin * (1 + strength * (1.0 * lines - 0.45)), area > 0.5


def _negative(rng: np.random.Generator, outline: Outline, traits: Traits, melanin: Layer) -> tuple[Layer, Area]:
    lines = honeycomb(rng, outline.frame, 1.3 * traits.mesh, 0.6)
    area = outline.area(rng, rng.uniform(0.15, 0.4), lean=0.8)
    strength = area * np.float32(traits.negative_network)
    return melanin * (1 + strength * (0.35 - 1.0 * lines)), area > 0.5


def _globules(rng: np.random.Generator, outline: Outline, traits: Traits, melanin: Layer) -> tuple[Layer, Area]:
    area = outline.area(rng, 0.75 - 0.45 * traits.atypia, lean=traits.atypia) > 0.5
    sketch = Sketch(outline.frame)
    for _ in range(round(110 * traits.globules)):
        place = outline.at(rng.uniform(0, 360), np.sqrt(rng.uniform(0, 0.92)))
        size = rng.lognormal(np.log(0.008), 0.15 + 0.5 * traits.atypia)
        sketch.dot(place, min(size, 0.022), rng.uniform(0.5, 1.0))
    dots = sketch.layer() * area
    return melanin * (1 + 0.35 * dots) + 0.28 * dots, area


def _streaks(rng: np.random.Generator, outline: Outline, traits: Traits, melanin: Layer) -> tuple[Layer, Area]:
    start, span = rng.uniform(0, 360), 360 * traits.streaks
    sketch, turns = Sketch(outline.frame), np.arange(0, span, rng.uniform(2.5, 5))
    for turn in start + turns + rng.normal(0, 1 + 2 * traits.atypia, len(turns)):
        length, bend = rng.uniform(0.01, 0.05 + 0.12 * traits.atypia), rng.normal(0, 2.5)
        root, border, tip = outline.at(turn, 0.85), outline.at(turn, 0.98), outline.at(turn + bend, 0.98 + length)
        sketch.stroke([root, border], rng.uniform(0.009, 0.015), 0.7)
        sketch.stroke([border, tip], rng.uniform(0.005, 0.009), rng.uniform(0.25, 0.7))
        if rng.random() < 0.12:
            sketch.dot(tip, rng.uniform(0.005, 0.009), 0.7)  # pseudopod: a bulb at the tip
    lines = sketch.layer()
    within = (outline.angle - np.float32(start)) % np.float32(360) < span
    rim = (outline.depth > -0.1) & (outline.depth < 0.18)
    return melanin + lines * np.float32(0.15 + 0.45 * traits.darkness) * (
        1 + 0.3 * outline.frame.noise(rng, 12)
    ), rim & within


def _cysts(rng: np.random.Generator, outline: Outline, traits: Traits, pigments: Pigments) -> Area:
    """Bright yellow-white specks; the area is what a reader would circle around each."""
    specks, circles = Sketch(outline.frame), Sketch(outline.frame)
    for _ in range(traits.cysts):
        place = outline.at(rng.uniform(0, 360), np.sqrt(rng.uniform(0, 0.7)))
        specks.dot(place, rng.uniform(0.006, 0.014), rng.uniform(0.6, 1.0))
        circles.dot(place, 0.055)
    pigments.white += 0.55 * specks.layer() * (1 - pigments.white)
    return (circles.layer() > 0.5) & outline.mask
