"""Where the lesion lies: a wobbly outline around a centre, and how deep inside it each pixel is."""

import dataclasses
import math

import numpy as np
from jaxtyping import Bool, Float

from attnmel.data.phantoms.frame import Frame, Layer, Point, ramp
from attnmel.data.phantoms.traits import Traits

DIRECTIONS = 360
# How far from the frame's centre the outline goes at most, in shorter sides: the whole border can be seen.
_REACH = 0.46


@dataclasses.dataclass(frozen=True)
class Outline:
    """The lesion's place and form."""

    frame: Frame
    centre: Point
    radii: Float[np.ndarray, " directions"]
    """Distance from centre to border in each whole degree, in shorter sides."""
    depth: Layer
    """1 at the centre, 0 at the border, negative outside; a share of the local radius."""
    angle: Layer
    """Direction from the centre in degrees, from 0 to below 360."""

    @property
    def mask(self) -> Bool[np.ndarray, "H W"]:
        """The pixels inside the border."""
        return self.depth > 0

    def at(self, degrees: float, share: float) -> Point:
        """Return the point in a direction at a share of the way to the border."""
        radius = share * float(self.radii[int(degrees) % DIRECTIONS])
        turn = math.radians(degrees)
        return self.centre[0] + radius * math.cos(turn), self.centre[1] + radius * math.sin(turn)

    def around(self, table: Float[np.ndarray, " directions"]) -> Layer:
        """Spread a value a degree over the frame."""
        closed = np.append(table, table[0]).astype(np.float32)
        low = self.angle.astype(np.int32)
        return closed[low] + (self.angle - low) * (closed[low + 1] - closed[low])

    def area(self, rng: np.random.Generator, share: float, *, lean: float, cells: float = 4) -> Layer:
        """Draw a soft patch over about a share of the lesion, in [0, 1].

        `lean` is how strongly it keeps to one side: 0 gives patches anywhere, 1 and more a single one.
        """
        towards = rng.uniform(0, 2 * math.pi)
        side = (self.frame.x - self.centre[0]) * math.cos(towards) + (self.frame.y - self.centre[1]) * math.sin(towards)
        field = self.frame.texture(rng, cells) + side.astype(np.float32) * np.float32(2 * lean / self.radii.mean())
        level = float(np.quantile(field[self.mask], 1 - share))
        return ramp(field, level - 0.55, level + 0.55) * ramp(self.depth, 0.0, 0.12)


def draw_outline(rng: np.random.Generator, frame: Frame, traits: Traits) -> Outline:
    """Draw the outline; melanoma's asymmetry is in its slow waves, its irregular border in the fast ones."""
    centre = tuple(float(c) for c in np.clip(rng.normal(0, 0.04, 2), -0.08, 0.08))
    radii = _radii(rng, traits)
    radii *= min(1.0, (_REACH - math.hypot(*centre)) / float(radii.max()))
    x, y = frame.x - np.float32(centre[0]), frame.y - np.float32(centre[1])
    angle = np.degrees(np.arctan2(y, x)) % np.float32(360)
    angle[angle >= 360] = 0  # a tiny negative angle is rounded up to 360 by the line above
    outline = Outline(frame, (centre[0], centre[1]), radii, angle, angle)
    depth = 1 - np.sqrt(x * x + y * y) / outline.around(radii)
    # Notches: the border itself is shifted in and out, less and less towards the middle, and never far outside.
    notches = frame.texture(rng, 1.6 / traits.radius, octaves=4)
    depth += np.float32(0.03 + 0.09 * traits.raggedness) * notches * ramp(depth, 0.6, 0.1) * ramp(depth, -0.25, -0.1)
    # No notch leaves the frame.
    depth -= ramp(np.sqrt(frame.x**2 + frame.y**2), _REACH - 0.03, _REACH + 0.01)
    return dataclasses.replace(outline, depth=depth)


def _radii(rng: np.random.Generator, traits: Traits) -> Float[np.ndarray, " directions"]:
    turns = np.radians(np.arange(DIRECTIONS))
    tilted = turns - rng.uniform(0, math.pi)
    stretch = math.sqrt(traits.elongation)
    ellipse = 1 / np.hypot(np.cos(tilted) / stretch, np.sin(tilted) * stretch)
    slow = _waves(rng, turns, range(1, 4), 0.05 + 0.17 * traits.asymmetry)
    fast = _waves(rng, turns, range(4, 12), 0.012 + 0.05 * traits.raggedness)
    return traits.radius * ellipse * np.exp(slow + fast)


def _waves(
    rng: np.random.Generator, turns: Float[np.ndarray, " directions"], orders: range, spread: float
) -> Float[np.ndarray, " directions"]:
    """Sum of waves of the given orders with random heights and phases; `spread` is the sum's."""
    waves = [rng.normal() * orders[0] / order * np.cos(order * turns + rng.uniform(0, 2 * math.pi)) for order in orders]
    return spread * math.sqrt(2 / len(waves)) * np.sum(waves, axis=0)
