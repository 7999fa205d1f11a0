"""Which images are drawn together, and among which others, when a set of images is resampled.

What is drawn are units: groups of images (one lesion, one patient), or single images where no group repeats. Images of
one lesion are alike, so drawing them one by one would give intervals that are too narrow.

Shapes: N images, U units, R resamples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from attnmel.errors import PredictionsError


@dataclass(frozen=True)
class Sampling:
    """Which images are drawn together, and among which others.

    Units of one stratum have consecutive numbers.
    """

    unit: Int[np.ndarray, " N"]
    """Unit of each image."""
    start: Int[np.ndarray, " U"]
    """First unit of the stratum that each unit is in."""
    size: Int[np.ndarray, " U"]
    """Units in that stratum."""

    @staticmethod
    def of(groups: Sequence[str], labels: Int[np.ndarray, " N"] | None = None) -> "Sampling":
        """Stratify the groups by class, so that each resample holds as many units of a class as there are.

        A group with images of several classes counts to the rarest of them: patients with a melanoma are one stratum,
        whatever else was photographed. Without labels there is one stratum. The order of the images does not matter.

        Raises:
            PredictionsError: no image.
        """
        if not len(groups):
            raise PredictionsError("no image to resample; expected at least one")
        names, unit = np.unique(np.asarray(groups, dtype=np.str_), return_inverse=True)
        stratum = np.zeros(len(names), dtype=np.int64) if labels is None else _rarest(unit, labels)
        order = np.argsort(stratum, kind="stable")
        number = np.empty_like(order)
        number[order] = np.arange(len(order))
        _, start, which, size = np.unique(stratum[order], return_index=True, return_inverse=True, return_counts=True)
        return Sampling(number[unit], start[which], size[which])

    @property
    def units(self) -> int:
        """How many units there are."""
        return len(self.start)

    @property
    def strata(self) -> list[tuple[int, int]]:
        """First unit of each stratum, and how many units it has."""
        first = np.flatnonzero(self.start == np.arange(self.units))
        return list(zip(first.tolist(), self.size[first].tolist(), strict=True))

    def among(self, images: Bool[np.ndarray, " N"]) -> int:
        """Return how many units some images are of."""
        return int(np.count_nonzero(np.bincount(self.unit[images])))

    def weights(self, generator: np.random.Generator, resamples: int) -> Float[np.ndarray, "R N"]:
        """Draw with replacement and return how often each image is in each resample.

        One uniform number a unit, in the order of the resamples: drawing 10 and then 10 more is drawing 20.
        """
        drawn = generator.random((resamples, self.units))
        drawn *= self.size
        picks = drawn.astype(np.int64)
        picks += self.start
        picks += np.arange(resamples)[:, None] * self.units
        times = np.bincount(picks.ravel(), minlength=resamples * self.units).reshape(resamples, self.units)
        return times.astype(np.float64)[:, self.unit]

    def without(self, units: Int[np.ndarray, " R"]) -> Float[np.ndarray, "R N"]:
        """Leave one unit out in each row and return the weight of each image.

        The others of its stratum are weighted up, so that each stratum keeps its share, as in each resample. The only
        unit of a stratum stays in: it is in every resample too.
        """
        left, size = units[:, None], self.size[units][:, None]
        together = self.start[self.unit] == self.start[units][:, None]
        weights = np.where(together, size / np.maximum(size - 1, 1), 1.0)
        weights[(self.unit == left) & (size > 1)] = 0
        return weights


def _rarest(unit: Int[np.ndarray, " N"], labels: Shaped[np.ndarray, " N"]) -> Int[np.ndarray, " U"]:
    """Return for each unit the place of its rarest class, counted from the rarest of all."""
    _, which, counts = np.unique(labels, return_inverse=True, return_counts=True)
    place = np.empty_like(counts)
    place[np.argsort(counts, kind="stable")] = np.arange(len(counts))
    rarest = np.full(int(unit.max()) + 1, len(counts))
    np.minimum.at(rarest, unit, place[which])
    return rarest
