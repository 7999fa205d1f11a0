"""Measures of maps by image -> means with intervals, and differences of two maps with interval and p.

Intervals are percentile bootstraps and p from swaps, both by lesion where lesions repeat (`intervals`, `permutation`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from attnmel.errors import PredictionsError
from attnmel.evaluation.comparison.permutation import share_p
from attnmel.evaluation.maps.table import EVERY, MapColumn, MapTable
from attnmel.evaluation.statistics.bootstrap import DEFAULT, Interval, ResamplingConfig, Sampling, mean_interval
from attnmel.evaluation.statistics.format import p_words, plus, plus_span
from attnmel.evaluation.statistics.hypothesis_tests import LEVEL, holm


@dataclass(frozen=True)
class MapMean:
    """The mean of one measure over a part of the images that have it."""

    column: MapColumn
    part: str
    """A name of `MapTable.parts`."""
    images: int
    interval: Interval


@dataclass(frozen=True)
class MapDifference:
    """One measure of two maps on the same images, second minus first."""

    first: MapColumn
    second: MapColumn
    part: str
    images: int
    """On which both have the measure."""
    interval: Interval
    p: float
    corrected: float
    """p after Holm's correction over all that were asked for together."""

    @property
    def shown(self) -> bool:
        """Whether both the corrected p and the interval speak for a difference."""
        return self.corrected < LEVEL and (self.interval.low > 0 or self.interval.high < 0)

    @property
    def sentence(self) -> str:
        """Say what was found; whether higher is better depends on the measure."""
        value = self.interval.value
        of = f"{self.first.measure} {self.first.target}".strip()
        span = f"{plus(value)}, 95 % {plus_span(self.interval)}, {self.images} images"
        if not self.shown:
            return f"no difference shown between {self.second.map} and {self.first.map} in {of} ({span})"
        way = "higher" if value > 0 else "lower"
        return (
            f"{of} of {self.second.map} {way} than of {self.first.map} ({span}), p {p_words(self.corrected)} after Holm"
        )


def map_means(
    table: MapTable, columns: Iterable[MapColumn] | None = None, resampling: ResamplingConfig = DEFAULT
) -> list[MapMean]:
    """Return the mean of each column over each part of the images, with its 95 % bootstrap interval.

    Raises:
        PredictionsError: a column that the table lacks.
    """
    found = []
    for column in table.values if columns is None else columns:
        values = table.column(column)
        for part, members in table.parts().items():
            of_part = np.where(members, values, np.nan)
            interval = mean_interval(of_part, table.groups, resamples=resampling.resamples, seed=resampling.seed)
            found.append(MapMean(column, part, int((~np.isnan(of_part)).sum()), interval))
    return found


def map_differences(
    table: MapTable,
    pairs: Sequence[tuple[MapColumn, MapColumn]],
    part: str = EVERY,
    resampling: ResamplingConfig = DEFAULT,
) -> list[MapDifference]:
    """Compare pairs of maps by one measure each, image by image; p is corrected over all pairs (Holm 1979).

    Raises:
        PredictionsError: a column or part that the table lacks, a pair of two measures or targets, or one without an
            image that has both.
    """
    if part not in (parts := table.parts()):
        raise PredictionsError(f"no images in part '{part}'; known: {', '.join(parts)}")
    found = [_difference(table, *pair, part, resampling) for pair in pairs]
    corrected = holm([one.p for one in found])
    return [replace(one, corrected=p) for one, p in zip(found, corrected, strict=True)]


def _difference(
    table: MapTable, first: MapColumn, second: MapColumn, part: str, resampling: ResamplingConfig
) -> MapDifference:
    if first[1:] != second[1:]:
        raise PredictionsError(
            f"{first.header} and {second.header} are not of one measure and target; compare two maps by the same"
        )
    gained = np.where(table.parts()[part], table.column(second) - table.column(first), np.nan)
    known = ~np.isnan(gained)
    if not (images := int(known.sum())):
        raise PredictionsError(f"no image has both {first.header} and {second.header}; nothing to compare")
    interval = mean_interval(gained, table.groups, resamples=resampling.resamples, seed=resampling.seed)
    unit = Sampling.of([group for group, keep in zip(table.groups, known, strict=True) if keep]).unit
    shares = gained[known, None] / images
    p = float(share_p(shares, unit, permutations=resampling.permutations, seed=resampling.seed)[0])
    return MapDifference(first, second, part, images, interval, p, p)
