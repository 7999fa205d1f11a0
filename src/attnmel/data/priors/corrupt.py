"""Masks corrupted on purpose, to measure the effect of an imperfect prior. No torch.

    shifted    each mask is moved by a quarter of the side, in a direction of its own
    dilated    each mask grows by a tenth of the side, to all sides
    swapped    each image gets the mask of another one

Each keeps a property that another one destroys: a shifted mask has the right shape and size in a wrong place, a dilated
one the right place with a wrong size, and swapped masks are as a whole exactly the right ones, but say nothing about
their image. All depends on image ids alone, so that every seed of a recipe trains on the same corrupted masks.
"""

import hashlib
import math
from collections.abc import Iterable

import numpy as np
from jaxtyping import UInt8
from scipy.ndimage import maximum_filter

from attnmel.errors import LabelError, require_known

NOT_SPOILT, SHIFTED, DILATED, SWAPPED = "none", "shifted", "dilated", "swapped"
SPOILINGS = (SHIFTED, DILATED, SWAPPED)

SHIFT = 0.25
"""Of the side: a lesion of the usual width, half of the side, then overlaps its shifted mask by half or less."""

DILATION = 0.1
"""Of the side, each way: a lesion half as wide as the image gets twice its area."""

SEED = 0x5B01
"""Keeps these draws apart from all others."""

Plane = UInt8[np.ndarray, "S S"]


def spoilt(plane: Plane, image_id: str, spoil: str) -> Plane:
    """Return one prepared mask spoilt; what swaps masks between images does not change the mask itself."""
    require_known("spoiling", spoil, (NOT_SPOILT, *SPOILINGS))
    if spoil == SHIFTED:
        return shifted(plane, image_id)
    return dilated(plane) if spoil == DILATED else plane


def shifted(plane: Plane, image_id: str) -> Plane:
    """Move a mask by `SHIFT` in the image's own direction; the part that leaves the frame is lost."""
    side = len(plane)
    angle = _generator(image_id).uniform(0, 2 * math.pi)
    down, right = (round(SHIFT * side * part) for part in (math.sin(angle), math.cos(angle)))
    moved = np.zeros_like(plane)
    into, out_of = zip(_overlap(down, side), _overlap(right, side), strict=True)
    moved[into] = plane[out_of]
    return moved


def dilated(plane: Plane) -> Plane:
    """Grow a mask by `DILATION` each way, in a square, so that its corners stay corners."""
    return maximum_filter(plane, size=2 * round(DILATION * len(plane)) + 1, mode="constant")


def swapped(image_ids: Iterable[str]) -> dict[str, str]:
    """Return for each image whose mask it gets: another one's, each mask once, in one random ring through all of them.

    Raises:
        LabelError: fewer than two images.
    """
    ordered = sorted(image_ids)
    if len(ordered) < 2:
        raise LabelError(
            f"{len(ordered)} training images have a mask, so masks cannot be swapped; loss.spoil = 'swapped' needs two"
        )
    ring = [ordered[place] for place in np.random.default_rng(SEED).permutation(len(ordered))]
    return dict(zip(ring, [*ring[1:], ring[0]], strict=True))


def _overlap(shift: int, side: int) -> tuple[slice, slice]:
    """Return where the part that stays in the frame goes to, and where it comes from, along one axis."""
    stays = side - abs(shift)
    into, out_of = max(0, shift), max(0, -shift)
    return slice(into, into + stays), slice(out_of, out_of + stays)


def _generator(image_id: str) -> np.random.Generator:
    digest = hashlib.sha256(image_id.encode()).digest()
    return np.random.default_rng([SEED, int.from_bytes(digest[:8], "big")])
