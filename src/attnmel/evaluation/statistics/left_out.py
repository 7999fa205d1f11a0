"""Sums over all images but those of one unit, for the jackknife: sums of all less a step.

The jackknife leaves out thousands of units. To sum over all images anew for each would take most of the time of an
evaluation; the sums without a unit are those of all, with its stratum weighted up, less the unit's own. Where images
add whole numbers, all are whole until the last division, so that nothing is lost: what is 0 without a unit is exactly 0.

Shapes: N images, R units that are left out (rows), C columns that are summed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int, Shaped

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


def sums_without(columns: Shaped[np.ndarray, "N C"], sampling: Sampling) -> Callable[[Units], Float[np.ndarray, "R C"]]:
    """Return the function that sums each column without each of some units, a row each."""
    left_out = LeftOut(sampling)
    bases: dict[int, Float[np.ndarray, " C"]] = {}

    def sums(units: Units) -> Float[np.ndarray, "R C"]:
        found = np.empty((len(units), columns.shape[1]))
        for row, unit in enumerate(units.tolist()):
            stratum, size = left_out.stratum(unit), left_out.size(unit)
            if stratum not in bases:
                bases[stratum] = left_out.weighted_up(unit) @ columns
            found[row] = bases[stratum]
            if size > 1:  # the only one of its stratum stays
                found[row] -= size * columns[left_out.images(unit)].sum(axis=0)
                found[row] /= size - 1
        return found

    return sums
