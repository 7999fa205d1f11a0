"""Pure checks on one decoded mask: how much it marks, where, and in which levels. No torch."""

import numpy as np
from jaxtyping import Bool, UInt8

from attnmel.data.image_files.masks import GREY_LEVELS
from attnmel.data.preprocess.images import MASK_THRESHOLD
from attnmel.data.verify.mask_kinds import level_text, outline_problem
from attnmel.number_formats import percent

FULL = 0.99
"""A share from which a mask counts as the whole frame."""

MOST_BORDER = 0.5
"""A mask that marks more than this of the frame's border, and not the middle, is taken to be inverted."""

MIDDLE = 0.2
"""Side of the middle of the frame, as a share of the frame."""

MOST_GREY = 0.05
"""Share of grey pixels that a resized border may leave."""


def mask_problems(grey: UInt8[np.ndarray, "H W"]) -> list[tuple[str, str]]:
    """Return kind and detail of all that is odd about a lesion mask as grey levels; empty of a sound one."""
    lesion = grey > MASK_THRESHOLD
    share = float(lesion.mean())
    between = grey_share(grey)
    problems = [("mask grey", f"{percent(between, 0)} of its pixels are grey")] if between > MOST_GREY else []
    if not share:
        text = f"its brightest pixel is {int(grey.max())}; 255 marks the lesion"
        return [*problems, ("mask empty", text + level_text(grey))]
    if share >= FULL:
        return [*problems, ("mask full", f"it marks {percent(share, 1)} of the frame")]
    border, middle = border_share(lesion), middle_share(lesion)
    if border > MOST_BORDER and middle < MOST_BORDER:
        text = f"it marks {percent(border, 0)} of the frame's border and {percent(middle, 0)} of its middle"
        return [*problems, ("mask inverted", text)]
    if (outline := outline_problem(lesion)) is not None:
        return [*problems, outline]
    if touches_every_border(lesion):
        problems.append(("mask at all borders", f"it marks {percent(share, 0)} of the frame, up to all four borders"))
    return problems


def grey_share(grey: UInt8[np.ndarray, "H W"]) -> float:
    """Return the share of pixels that are neither black nor white."""
    low, high = GREY_LEVELS
    return float(((grey >= low) & (grey <= high)).mean())


def border_share(lesion: Bool[np.ndarray, "H W"]) -> float:
    """Return the share of the outermost pixels that are marked."""
    return float(np.concatenate([lesion[0], lesion[-1], lesion[:, 0], lesion[:, -1]]).mean())


def middle_share(lesion: Bool[np.ndarray, "H W"]) -> float:
    """Return the share of the frame's middle that is marked."""
    return float(lesion[*(slice(*_middle(length)) for length in lesion.shape)].mean())


def touches_every_border(lesion: Bool[np.ndarray, "H W"]) -> bool:
    """Return whether something is marked at each of the four borders."""
    return bool(lesion[0].any() and lesion[-1].any() and lesion[:, 0].any() and lesion[:, -1].any())


def _middle(length: int) -> tuple[int, int]:
    half = max(1, round(length * MIDDLE)) // 2
    centre = length // 2
    return max(0, centre - half), centre + half + 1
