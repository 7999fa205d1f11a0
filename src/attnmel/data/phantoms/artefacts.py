"""What lies between lens and skin, whatever the diagnosis: hairs, gel bubbles, a ruler, the camera's blur and grain."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageFilter

from attnmel.data.phantoms.frame import Frame, Layer, Sketch
from attnmel.data.phantoms.skin import Picture

_RULER_INK = np.array([0.22, 0.20, 0.24], np.float32)


def add_artefacts(rng: np.random.Generator, frame: Frame, picture: Picture) -> Picture:
    """Lay hairs, bubbles and a ruler over the picture, each in some frames only."""
    hairs, bubbles, ruler = rng.spawn(3)
    if hairs.random() < 0.45:
        picture = _hairs(hairs, frame, picture)
    if bubbles.random() < 0.3:
        picture = _bubbles(bubbles, frame, picture)
    if ruler.random() < 0.15:
        picture = _over(picture, 0.75 * _ruler(ruler, frame), _RULER_INK)
    return picture


def photograph(rng: np.random.Generator, frame: Frame, picture: Picture) -> UInt8[np.ndarray, "H W 3"]:
    """Return the picture as the camera stores it: slightly blurred, grainy, in 8 bits."""
    blurred = Image.fromarray(np.clip(picture * 255, 0, 255).astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(rng.uniform(0.001, 0.003) * frame.unit)
    )
    grain = rng.standard_normal((frame.height, frame.width, 1), dtype=np.float32)
    tinted = grain + 0.4 * rng.standard_normal((frame.height, frame.width, 3), dtype=np.float32)
    grainy = np.asarray(blurred, np.float32) + np.float32(rng.uniform(0.6, 2.2)) * tinted
    return np.clip(np.rint(grainy), 0, 255).astype(np.uint8)


def _over(picture: Picture, cover: Layer, colour: np.ndarray) -> Picture:
    return picture + cover[..., None] * (colour.astype(np.float32) - picture)


def _hairs(rng: np.random.Generator, frame: Frame, picture: Picture) -> Picture:
    colour = np.array([0.16, 0.11, 0.09]) * rng.uniform(0.3, 1.9)
    combed, width = rng.uniform(0, 2 * np.pi), rng.uniform(0.003, 0.0062)
    sketch, spread = Sketch(frame), np.array([frame.width, frame.height]) / frame.unit
    for _ in range(int(rng.integers(2, 10) if rng.random() < 0.7 else rng.integers(12, 36))):
        start = (rng.uniform(-0.55, 0.55, 2)) * spread
        turn, bend, length = combed + rng.normal(0, 0.7), np.clip(rng.normal(0, 1.1), -2.2, 2.2), rng.uniform(0.25, 0.9)
        turns = turn + bend * np.linspace(0, 1, 16)
        steps = length / 16 * np.stack([np.cos(turns), np.sin(turns)], 1)
        points = [(float(x), float(y)) for x, y in start + np.cumsum(steps, 0)]
        sketch.stroke(points, width * rng.uniform(0.7, 1.2), rng.uniform(0.6, 1.0))
    return _over(picture, 0.85 * sketch.layer(), colour)


def _bubbles(rng: np.random.Generator, frame: Frame, picture: Picture) -> Picture:
    """Rings, dark on one side and bright on the other, and specks where the gel throws the lamp back."""
    bright, dark = Sketch(frame), Sketch(frame)
    spread, lamp = np.array([frame.width, frame.height]) / frame.unit, rng.uniform(0, 360)
    for _ in range(int(rng.integers(2, 9))):
        x, y = (float(c) for c in rng.uniform(-0.5, 0.5, 2) * spread)
        radius = float(rng.uniform(0.008, 0.03))
        bright.arc((x, y), radius, (lamp - 70, lamp + 70), 0.004)
        dark.arc((x, y), radius, (lamp + 90, lamp + 270), 0.004)
        bright.dot((x - 0.3 * radius, y - 0.3 * radius), 0.15 * radius)
    for _ in range(int(rng.integers(0, 25))):
        x, y = (float(c) for c in rng.uniform(-0.5, 0.5, 2) * spread)
        bright.stroke([(x, y), (x + rng.normal(0, 0.006), y + rng.normal(0, 0.006))], 0.003, 0.8)
    picture = picture * (1 - 0.35 * dark.layer()[..., None])
    return _over(picture, 0.55 * bright.layer(), np.ones(3))


def _ruler(rng: np.random.Generator, frame: Frame) -> Layer:
    """A scale near one long edge: a base line, a tick a millimetre, longer ones every five, and the letters."""
    tilt, side = rng.normal(0, 0.12), rng.choice([-1, 1])
    along, up = np.array([np.cos(tilt), np.sin(tilt)]), np.array([np.sin(tilt), -np.cos(tilt)])
    origin = np.array([rng.uniform(-0.45, -0.3), side * rng.uniform(0.40, 0.45)])
    sketch, step = Sketch(frame), rng.uniform(0.035, 0.05)

    def line(*places: tuple[float, float]) -> None:
        points = [origin + a * along + b * up for a, b in places]
        sketch.stroke([(float(x), float(y)) for x, y in points], 0.0035)

    line((0, 0), (15 * step, 0))
    for tick in range(16):
        line((tick * step, 0), (tick * step, 0.035 if tick % 5 == 0 else 0.018))
    for letter in (-0.08, -0.045):
        line(*((letter + 0.025 * a, 0.03 * b) for a, b in ((0, 0), (0, 1), (0.5, 0.4), (1, 1), (1, 0))))
    return sketch.layer()
