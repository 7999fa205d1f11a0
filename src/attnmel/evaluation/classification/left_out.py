"""Every measure without each lesion or patient in turn, from counts of all images less those of one.

As `attnmel.evaluation.statistics.left_out` has it for sums; a count at each score is such a sum, too.

Shapes: N images, R units that are left out (rows), T distinct scores, C classes.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from attnmel.evaluation.classification.ranking import Counts, Ranking, TopOneHits, shares_of
from attnmel.evaluation.statistics.bootstrap import Sampling
from attnmel.evaluation.statistics.left_out import LeftOut, Units, sums_without


def counts_without(ranking: Ranking, left_out: LeftOut) -> Callable[[Units], Counts]:
    """Return the function that counts without each of some units, a row each."""
    places = np.empty(len(ranking.order), dtype=np.int64)
    places[ranking.order] = np.repeat(np.arange(len(ranking.ends)), np.diff(ranking.ends, prepend=-1))
    positive = np.empty(len(ranking.order), dtype=bool)
    positive[ranking.order] = ranking.positive
    bases: dict[int, Counts] = {}

    def counts(units: Units) -> Counts:
        true, false = np.empty((2, len(units), len(ranking.scores)))
        for row, unit in enumerate(units.tolist()):
            stratum, size = left_out.stratum(unit), left_out.size(unit)
            if stratum not in bases:
                bases[stratum] = ranking.counts(left_out.weighted_up(unit)[None])
            true[row], false[row] = bases[stratum].true_positives[0], bases[stratum].false_positives[0]
            if size == 1:  # the only one of its stratum stays
                continue
            for image in left_out.images(unit).tolist():
                (true if positive[image] else false)[row, places[image] :] -= size
            true[row] /= size - 1
            false[row] /= size - 1
        return Counts(ranking.scores, true, false)

    return counts


def recalls_without(hits: TopOneHits, sampling: Sampling) -> Callable[[Units], Float[np.ndarray, "R C"]]:
    """Return the function that gives the recall of each class without each of some units, a row each."""
    sums = sums_without(hits.columns, sampling)
    return lambda units: shares_of(np.stack(np.split(sums(units), 2, axis=1)))
