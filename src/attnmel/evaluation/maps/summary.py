"""Measures of maps by image -> evaluation of the maps: means with intervals, pairwise comparisons, and its file."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from attnmel import NOTICE
from attnmel.errors import PredictionsError
from attnmel.evaluation.comparison.permutation import share_p
from attnmel.evaluation.maps.localisation import LESION
from attnmel.evaluation.maps.table import EVERY, MapColumn, MapTable
from attnmel.evaluation.statistics.bootstrap import DEFAULT, Interval, ResamplingConfig, mean_interval
from attnmel.evaluation.statistics.hypothesis_tests import LEVEL, holm
from attnmel.evaluation.statistics.sampling import Sampling
from attnmel.files.table_files import damage, null_to_nan, read_json, write_json
from attnmel.number_formats import p_words, plus, plus_span
from attnmel.progress import SILENT, Progress

FAITHFUL = ("deletion", "insertion", "sufficiency", "comprehensiveness", "area")

AGREEMENT = "agreement"
"""Rank correlation with another map of the same image, whose name is the target."""

AUTHORS_JACCARD = "jaccard of authors"
"""Of class activation maps alone, see `cam_jaccard_of_authors`."""

TESTED: dict[str, tuple[str, ...]] = {
    LESION: ("jaccard", "ap", "energy", "pointing", "dice"),
    "": ("deletion", "insertion", "sufficiency", "comprehensiveness"),
}
"""By target, the measures that maps are compared by. The others are no measure of quality by themselves: a Gaussian is
as stable as any map, and an area may be large."""


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
    """p after Holm's correction over all that were tested together."""

    @property
    def shown(self) -> bool:
        """Whether both the corrected p and the interval speak for a difference."""
        return self.corrected < LEVEL and (self.interval.low > 0 or self.interval.high < 0)

    @property
    def sentence(self) -> str:
        """Say what was found; whether higher is better depends on the measure."""
        value = self.interval.value
        of = f"{self.first.measure} {self.first.target}".strip()
        ends = plus_span(self.interval)
        known = f"95 % {ends}" if ends else "its uncertainty is not known"
        span = f"{plus(value)}, {known}, {self.images} images"
        if not self.shown:
            return f"no difference shown between {self.second.map} and {self.first.map} in {of} ({span})"
        way = "higher" if value > 0 else "lower"
        return (
            f"{of} of {self.second.map} {way} than of {self.first.map} ({span}), p {p_words(self.corrected)} after Holm"
        )


@dataclass(frozen=True, kw_only=True)
class MapSummary:
    """Evaluation of the maps of one split."""

    notice: str = NOTICE
    licence: str
    """Of the data that the network was trained on."""
    name: str
    """Of the run, or of several."""
    split: str
    epoch: int
    """Of the checkpoint; of several runs, of the first."""
    methods: tuple[str, ...]
    images: int
    masks: int
    """How many of them have a lesion mask."""
    means: tuple[MapMean, ...]
    differences: tuple[MapDifference, ...]
    """Of every two maps by each measure of `TESTED`; p is corrected over the pairs of one measure."""

    def write(self, path: Path) -> None:
        """Write all figures as JSON; what is not defined is null."""
        write_json(path, _SUMMARY.dump_python(self, mode="json"), indent=1)

    @staticmethod
    def read(path: Path) -> "MapSummary | None":
        """Read what `write` wrote; None where there is no such file.

        Raises:
            PredictionsError: the file is damaged.
        """
        if not path.is_file():
            return None
        again = "run `attnmel explain RUN --split` again"
        with damage(path, PredictionsError, again, found="damaged or of another version"):
            return _SUMMARY.validate_python(null_to_nan(read_json(path)))  # nothing of a summary may be None


_SUMMARY = TypeAdapter(MapSummary)


def summarised(
    table: MapTable,
    methods: Sequence[str],
    *,
    pairs: Sequence[tuple[str, str]] | None = None,
    masks: int,
    split: str,
    name: str,
    epoch: int,
    licence: str,
    resampling: ResamplingConfig = DEFAULT,
    progress: Progress = SILENT,
) -> MapSummary:
    """Return means over all parts of the images, and maps compared in pairs on the images that have both.

    Pairs that are not named: every two maps.
    """
    pairs = list(itertools.combinations(methods, 2)) if pairs is None else pairs
    return MapSummary(
        licence=licence,
        name=name,
        split=split,
        epoch=epoch,
        methods=tuple(methods),
        images=len(table.image_ids),
        masks=masks,
        means=tuple(_means(table, resampling, progress)),
        differences=tuple(
            one
            for target, measures in TESTED.items()
            for measure in measures
            for one in map_differences(table, _columns(table, pairs, measure, target), resampling=resampling)
        ),
    )


def _means(table: MapTable, resampling: ResamplingConfig, progress: Progress) -> Iterator[MapMean]:
    with progress.bar("means with intervals", len(table.values), "columns") as advance:
        for column in table.values:
            yield from map_means(table, [column], resampling)
            advance(1)


def _columns(
    table: MapTable, pairs: Sequence[tuple[str, str]], measure: str, target: str
) -> list[tuple[MapColumn, MapColumn]]:
    """Return the columns of the pairs that have images in common by this measure."""
    every = [(MapColumn(first, measure, target), MapColumn(second, measure, target)) for first, second in pairs]
    return [
        (first, second)
        for first, second in every
        if first in table.values
        and second in table.values
        and not np.isnan(table.values[first] + table.values[second]).all()
    ]


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
    if unit.max() > 0 and np.ptp(gained[known]) == 0:
        interval = Interval(*[interval.value] * 3)  # one gain of all images; p says how likely that is by chance
    shares = gained[known, None] / images
    p = float(share_p(shares, unit, permutations=resampling.permutations, seed=resampling.seed)[0])
    return MapDifference(first, second, part, images, interval, p, p)
