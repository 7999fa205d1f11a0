"""Measures of maps by image -> what the maps are worth: means with intervals, every two maps compared, and its file."""

import itertools
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from attnmel import NOTICE
from attnmel.errors import PredictionsError
from attnmel.evaluation.maps.localisation import LESION
from attnmel.evaluation.maps.statistics import MapDifference, MapMean, map_differences, map_means
from attnmel.evaluation.maps.table import MapColumn, MapTable
from attnmel.evaluation.statistics.bootstrap import DEFAULT, ResamplingConfig
from attnmel.folders import replacing
from attnmel.progress import SILENT, Progress

FAITHFUL = ("deletion", "insertion", "sufficiency", "comprehensiveness", "area")

AGREEMENT = "agreement"
"""Rank correlation with another map of the same image, whose name is the target."""

AUTHORS_JACCARD = "jaccard of authors"
"""Of class activation maps alone, see `cam_jaccard_of_authors`."""

TESTED = {
    LESION: ("jaccard", "ap", "energy", "pointing", "dice"),
    "": ("deletion", "insertion", "sufficiency", "comprehensiveness"),
}
"""By target, the measures that maps are compared by. The others tell no merit by themselves: a Gaussian turns along
with every image, and an area may be large."""


@dataclass(frozen=True, kw_only=True)
class MapSummary:
    """What the maps of one split are worth."""

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
        plain = _SUMMARY.dump_python(self, mode="json")
        with replacing(path) as part:
            part.write_text(json.dumps(_nan_to_null(plain), indent=1, allow_nan=False), encoding="utf-8")

    @staticmethod
    def read(path: Path) -> "MapSummary | None":
        """Read what `write` wrote; None where there is no such file.

        Raises:
            PredictionsError: the file is damaged.
        """
        if not path.is_file():
            return None
        try:
            return _SUMMARY.validate_python(_null_to_nan(json.loads(path.read_text(encoding="utf-8"))))
        except (ValidationError, ValueError):
            raise PredictionsError(
                f"{path} is damaged or of another version; run `attnmel explain RUN --split` again"
            ) from None


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


def _nan_to_null(plain: Any) -> Any:  # noqa: ANN401 - walks JSON
    if isinstance(plain, dict):
        return {key: _nan_to_null(value) for key, value in plain.items()}
    if isinstance(plain, list):
        return [_nan_to_null(value) for value in plain]
    return None if isinstance(plain, float) and math.isnan(plain) else plain


def _null_to_nan(plain: Any) -> Any:  # noqa: ANN401 - walks JSON
    """Turn null back into NaN: nothing else of a summary may be missing."""
    if isinstance(plain, dict):
        return {key: _null_to_nan(value) for key, value in plain.items()}
    if isinstance(plain, list):
        return [_null_to_nan(value) for value in plain]
    return math.nan if plain is None else plain
