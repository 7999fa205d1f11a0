"""Every measure without each lesion or patient in turn, from counts of all images less those of one.

The jackknife leaves out thousands of units. To count all images anew for each takes most of the time of an evaluation;
the counts without a unit are those of all, with its stratum weighted up, less a few steps. All of them are whole
numbers until the last division, so that nothing is lost: what is 0 without a unit is exactly 0.

Shapes: N images, R units that are left out (rows), T distinct scores, M measures.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from attnmel.evaluation.classification.ranking import Counts, Ranking, TopOneHits, shares_of
from attnmel.evaluation.statistics.bootstrap import Sampling

Units = Int[np.ndarray, " R"]


@dataclass(frozen=True)
class LeftOut:
    """Which images go with each unit, and how those that stay are weighted: as `Sampling.without`."""

    sampling: Sampling

    @cached_property
    def _members(self) -> tuple[Int[np.ndarray, " N"], Int[np.ndarray, " V"]]:
        by_unit = np.argsort(self.sampling.unit, kind="stable")
        starts = np.searchsorted(self.sampling.unit[by_unit], np.arange(self.sampling.units + 1))
        return by_unit, starts

    def images(self, unit: int) -> Int[np.ndarray, " m"]:
        """Return the images of a unit."""
        by_unit, starts = self._members
        return by_unit[starts[unit] : starts[unit + 1]]

    def size(self, unit: int) -> int:
        """Return how many units there are in the stratum of one."""
        return int(self.sampling.size[unit])

    def stratum(self, unit: int) -> int:
        """Return what identifies the stratum of a unit."""
        return int(self.sampling.start[unit])

    def weighted_up(self, unit: int) -> Float[np.ndarray, " N"]:
        """Return the weight of each image times the units of the stratum that stay, before the unit's own go."""
        size = self.size(unit)
        together = self.sampling.start[self.sampling.unit] == self.sampling.start[unit]
        return np.where(together, size, max(size - 1, 1)).astype(np.float64)


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


def recalls_without(hits: TopOneHits, left_out: LeftOut) -> Callable[[Units], Float[np.ndarray, "R C"]]:
    """Return the function that gives the recall of each class without each of some units, a row each."""
    bases: dict[int, Float[np.ndarray, "2 C"]] = {}

    def recalls(units: Units) -> Float[np.ndarray, "R C"]:
        sums = []
        for unit in units.tolist():
            stratum, size = left_out.stratum(unit), left_out.size(unit)
            if stratum not in bases:
                bases[stratum] = hits.sums(left_out.weighted_up(unit)[None])[:, 0]
            images = left_out.images(unit)
            own = hits.sums_of(images) * size if size > 1 else 0
            sums.append(bases[stratum] - own)
        return shares_of(np.stack(sums, axis=1))

    return recalls
