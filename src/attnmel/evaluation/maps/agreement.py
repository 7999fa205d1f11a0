"""Several maps of the same images -> their similarity, one value per image.

For maps of different methods, of a network and its randomised copy, of an image and its turned one.

Shapes: N images, s side of a map, P its pixels.
"""

import itertools
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from scipy import stats

from attnmel.errors import PredictionsError
from attnmel.evaluation.maps.attention_overlap import binarised, jaccard_index, refuse_not_finite

SPEARMAN, JACCARD = "spearman", "jaccard"


def map_likeness(
    first: Float[np.ndarray, "N s s"], second: Float[np.ndarray, "N s s"]
) -> dict[str, Float[np.ndarray, " N"]]:
    """Return the rank correlation of each pair of maps, and the Jaccard index of what both mark when binarised.

    The correlation is in [-1, 1] and NaN where one of the two is constant; the index is in [0, 1], and nothing against
    nothing is 1.

    Raises:
        PredictionsError: other numbers or sizes of maps, or a value that is not finite.
    """
    correlation = rank_correlations({"first": first, "second": second})["first", "second"]
    side = first.shape[-1]
    areas = ((binarised(one[row : row + 1], side) for one in (first, second)) for row in range(len(first)))
    overlap = [jaccard_index(*pair)[0] for pair in areas]
    return {SPEARMAN: correlation, JACCARD: np.array(overlap, dtype=np.float64)}


def rank_correlations(maps: Mapping[str, Float[np.ndarray, "N s s"]]) -> dict[tuple[str, str], Float[np.ndarray, " N"]]:
    """Return Spearman's correlation over the pixels of every two maps of an image, by the names of the two.

    Equal values share their mean rank. NaN where one of the two is constant.

    Raises:
        PredictionsError: other numbers or sizes of maps, or a value that is not finite.
    """
    if len(shapes := {one.shape for one in maps.values()}) > 1:
        raise PredictionsError(f"maps of unequal shape: {sorted(shapes)}; expected the same images at one size")
    for one in maps.values():
        refuse_not_finite(one)
    pairs = list(itertools.combinations(maps, 2))
    found = {pair: np.full(len(next(iter(maps.values()))), np.nan) for pair in pairs}
    for row in range(len(next(iter(maps.values()), ()))):
        directions = {name: _direction(one[row]) for name, one in maps.items()}
        for first, second in pairs:
            # Rounding must not lead beyond 1.
            found[first, second][row] = np.clip(np.dot(directions[first], directions[second]), -1, 1)
    return found


def _direction(one: Float[np.ndarray, "s s"]) -> Float[np.ndarray, " P"]:
    """Return the centred ranks of the pixels, of length 1; NaN for a constant map.

    The dot product of two maps' directions is Spearman's correlation.
    """
    ranks = stats.rankdata(one) - (one.size + 1) / 2
    length = np.sqrt(np.dot(ranks, ranks))
    return ranks / length if length > 0 else np.full(one.size, np.nan)
