"""What a predicted mask says of itself, without the truth: confidence, area, pieces, and what is odd. No torch.

Shapes: H W size of the photograph.
"""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from attnmel.data.preprocess.lesion_crop import LEAST_AREA, NEIGHBOURS

Flag = Literal["", "empty", "full frame", "fragmented"]

MOST_AREA = 0.95
"""Share of the frame above which a mask is a "full frame": no border of the lesion is left in the picture, as after a
failure; a few true lesions do fill their photograph, so it is a flag and not a refusal."""

LEAST_PIECE = 0.9
"""Share of a mask that its largest piece has at least, or else it is "fragmented": a photograph shows one lesion, so a
tenth of the area elsewhere is lesion missed in between, or something else taken for it (hair, ink, a ruler)."""


class Signs(NamedTuple):
    """What one predicted mask says of itself."""

    confidence: float
    """In [0, 1]; see `expected_dice`."""
    area: float
    """Share of the frame that is lesion."""
    pieces: int
    """Connected parts."""
    flag: Flag


def expected_dice(probability: Float[np.ndarray, "H W"], mask: Bool[np.ndarray, "H W"]) -> float:
    """Return the Dice of a probability map with its own mask, 2 sum(p m) / (sum p + sum m), in [0, 1]; 0 of no mask.

    Were the probabilities true and their pixels independent, it would be about the Dice that the mask is expected to
    have with the truth. A map of 0 and 1 gives 1, one that hesitates at the border or elsewhere gives less.
    """
    if not mask.any():
        return 0.0
    inside = probability[mask].sum(dtype=np.float64)
    return float(2 * inside / (probability.sum(dtype=np.float64) + mask.sum()))


def signs(probability: Float[np.ndarray, "H W"], mask: Bool[np.ndarray, "H W"]) -> Signs:
    """Return what a mask and the probability map that it was cut from say; of several flags the first that holds."""
    parts, pieces = ndimage.label(mask, structure=NEIGHBOURS)  # pyright: ignore[reportGeneralTypeIssues] - two without `output`
    sizes = np.bincount(parts.ravel())[1:]
    area = float(mask.mean())
    flag: Flag = ""
    if area < LEAST_AREA:
        flag = "empty"
    elif area > MOST_AREA:
        flag = "full frame"
    elif sizes.max() < LEAST_PIECE * sizes.sum():
        flag = "fragmented"
    return Signs(expected_dice(probability, mask), area, int(pieces), flag)
