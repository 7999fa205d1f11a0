"""Probabilities under replaced pixels -> how faithful a map is to its network, one figure an image.

What was replaced, and by what, is in `saliency.faithfulness`, which makes the probabilities.

Shapes: N images, K stages of a curve.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from attnmel.errors import PredictionsError


class Probabilities(NamedTuple):
    """The probability of each image's class, as `saliency.faithfulness` gives it."""

    deletion: Float[np.ndarray, "N K"]
    insertion: Float[np.ndarray, "N K"]
    whole: Float[np.ndarray, " N"]
    kept: Float[np.ndarray, " N"]
    removed: Float[np.ndarray, " N"]


def faithfulness(found: Probabilities, areas: Bool[np.ndarray, "N s s"]) -> dict[str, Float[np.ndarray, " N"]]:
    """Return every measure of faithfulness by its name; `areas` are those that were kept and removed.

    deletion           area under the curve, in [0, 1], lower is better
    insertion          area under the curve, in [0, 1], higher is better
    sufficiency        probability of the whole image less that of the area alone, in [-1, 1], lower is better
    comprehensiveness  probability of the whole image less that without the area, in [-1, 1], higher is better
    area               share of the image that the area takes: of a larger one both speak more easily

    Sufficiency and comprehensiveness are DeYoung et al.'s ("ERASER", ACL 2020). They are NaN for an area of nothing,
    which a constant map marks.
    """
    nothing = ~areas.any(axis=(1, 2))
    return {
        "deletion": curve_area(found.deletion),
        "insertion": curve_area(found.insertion),
        "sufficiency": np.where(nothing, np.nan, found.whole - found.kept),
        "comprehensiveness": np.where(nothing, np.nan, found.whole - found.removed),
        "area": areas.mean(axis=(1, 2)),
    }


def curve_area(curves: Float[np.ndarray, "N K"]) -> Float[np.ndarray, " N"]:
    """Return the area under each curve by trapezoids, its stages spread evenly over [0, 1].

    Raises:
        PredictionsError: fewer than two stages.
    """
    stages = curves.shape[1]
    if stages < 2:
        raise PredictionsError(f"a curve of {stages} stages has no area; expected at least 2")
    return np.trapezoid(curves, dx=1 / (stages - 1), axis=1)
