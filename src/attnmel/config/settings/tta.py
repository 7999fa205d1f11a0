"""Transforms of an image whose predictions are averaged: what `--tta` and `test.transforms` may say. No pydantic."""

import random
import re
import reprlib
from typing import NamedTuple

from attnmel.errors import ConfigError

MOST_REPLICAS = 256

SMALLEST_VIEW = 0.5
"""Share of the prepared square's area that a random replica shows at least, as the random crops of light recipes."""


class Transform(NamedTuple):
    """One way to show a prepared square to a network: mirrored, then turned, then a part of it enlarged or reduced."""

    turns: int = 0
    """Quarter turns, anticlockwise."""
    mirrored: bool = False
    """Left and right exchanged."""
    view: tuple[float, float, float] | None = None
    """Left edge, upper edge and side of the square part that the network sees, as shares of the prepared square's side;
    None: the central part of the network's input size, not interpolated."""


PLAIN = Transform()
NO_TRANSFORMS = "none"
DIHEDRAL = tuple(Transform(turns, mirrored) for mirrored in (False, True) for turns in range(4))
WHOLE_SQUARE = (0.0, 0.0, 1.0)
"""The second scale: all of the prepared square, 8/7 as wide as the part that the network sees otherwise."""

KNOWN = (
    f"{NO_TRANSFORMS}, dihedral (eight turns and flips), scales (two), dihedral+scales (sixteen) or random:N (N from 2 "
    f"to {MOST_REPLICAS}, such as random:20; random:20:7 draws with the seed 7)"
)

_RANDOM = re.compile(r"random:([1-9]\d{0,3})(?::(\d{1,9}))?", re.ASCII)


def transforms_of(text: str) -> tuple[Transform, ...]:
    """Return the transforms that a text names; the first is always the image as it is.

    Of random replicas, each shows a random square of at least half of the prepared square's area, turned and mirrored
    at random; they are the same for every image, and depend on the seed alone.

    Raises:
        ConfigError: says what is known.
    """
    if written := _RANDOM.fullmatch(str(text)):
        count, seed = int(written[1]), int(written[2] or 0)
        if 2 <= count <= MOST_REPLICAS:
            generator = random.Random(seed)  # its numbers are the same in every version of Python
            return (PLAIN, *(_drawn(generator) for _ in range(count - 1)))
    named = {
        NO_TRANSFORMS: (PLAIN,),
        "dihedral": DIHEDRAL,
        "scales": (PLAIN, PLAIN._replace(view=WHOLE_SQUARE)),
        "dihedral+scales": (*DIHEDRAL, *(one._replace(view=WHOLE_SQUARE) for one in DIHEDRAL)),
    }
    if text not in named:
        raise ConfigError(f"no transforms are called {reprlib.repr(text)}; expected {KNOWN}")
    return named[text]


def transforms_note(transforms: str, chosen_with: str, *, measured: bool = False) -> str:
    """Return what `transforms` mean for the temperature and thresholds of a model; "" where they are its own, none.

    `measured` says that what the thresholds achieve is stated too, which was measured with the model's own.
    """
    count = len(transforms_of(transforms))
    mean = f"probabilities are means over {count} transforms of each image ({transforms})"
    if transforms == chosen_with:
        return mean if count > 1 else ""
    achieved = ", and what they achieve was measured," if measured else ""
    chosen = f"temperature and thresholds were chosen{achieved} {with_transforms(chosen_with)}"
    return f"{mean if count > 1 else 'probabilities are of each image as it is'}; {chosen}"


def with_transforms(name: str) -> str:
    """Return with which transforms something was done, in words."""
    return "without transforms" if name == NO_TRANSFORMS else f"with {name}"


def _drawn(generator: random.Random) -> Transform:
    side = (SMALLEST_VIEW + (1 - SMALLEST_VIEW) * generator.random()) ** 0.5
    left, top = ((1 - side) * generator.random() for _ in range(2))
    return Transform(int(4 * generator.random()), generator.random() < 1 / 2, (left, top, side))
