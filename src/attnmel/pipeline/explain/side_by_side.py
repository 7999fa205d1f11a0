"""Explained runs -> their images with the maps of every run, one image at a time."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from attnmel.config.recipe import DataSettings
from attnmel.errors import ConfigError
from attnmel.pipeline.explain.stored_maps import ExplainedRun
from attnmel.pipeline.run.images.dataset import shown_pixels
from attnmel.saliency.map_files import read_levels

BATCH = 16
"""Images read at a time."""


class ShownImage(NamedTuple):
    """One image as in the network's input."""

    place: int
    """Among the images of the split."""
    image: UInt8[np.ndarray, "s s 3"]
    mask: UInt8[np.ndarray, "s s"] | None
    levels: dict[tuple[int, str], UInt8[np.ndarray, "m m"]]
    """Maps of 0 to 255 over their own range, by run and method."""


def shown_images(runs: Sequence[ExplainedRun]) -> Iterator[ShownImage]:
    """Give every image of the runs' split, in order; the pixels are those of the first run's network input.

    Raises:
        PredictionsError: a file of maps is missing or damaged.
    """
    first = runs[0]
    ids, cache = first.table.image_ids, first.run.dataset.cache
    keys = [(number, name) for number, run in enumerate(runs) for name in run.methods]
    files = [read_levels(runs[number].folder.maps(name), ids, BATCH) for number, name in keys]
    for start, maps in zip(range(0, len(ids), BATCH), zip(*files, strict=True), strict=True):
        rows = first.rows[start : start + BATCH]
        pixels = shown_pixels(first.run.recipe.data, first.run.dataset, rows)
        for at, row in enumerate(rows.tolist()):
            image, mask = np.ascontiguousarray(pixels[at, ..., :3]), np.ascontiguousarray(pixels[at, ..., 3])
            levels = {key: some[at] for key, some in zip(keys, maps, strict=True)}
            yield ShownImage(start + at, image, mask if cache.has_mask[row] else None, levels)


def require_same_square(runs: Mapping[str, DataSettings]) -> None:
    """Refuse runs, by name, whose input is another square of each image: their maps cannot be compared.

    Raises:
        ConfigError: names the first that differs.
    """
    (first, of_first), *others = runs.items()
    for other, data in others:
        if _square(data) != _square(of_first):
            raise ConfigError(
                f"{other} sees another square of each image than {first}, so their maps do not lie side by side; "
                "explain runs of one data.crop, and of one data.size to data.side"
            )


def require_same_images(runs: Mapping[str, Sequence[str]]) -> None:
    """Refuse runs, by name, whose maps are of other images, named by their ids.

    Raises:
        ConfigError: names the first that differs.
    """
    (first, of_first), *others = runs.items()
    for other, ids in others:
        if tuple(ids) != tuple(of_first):
            raise ConfigError(f"{other} and {first} are of other images; explain runs of one data set and split")


def _square(data: DataSettings) -> tuple[float | str, ...]:
    return data.crop, data.crop_margin, data.crop_masks, data.size / data.side
