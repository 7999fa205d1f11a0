"""The mean and standard deviation of RGB that normalise a recipe's images: of its data set, or of its start weights."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from attnmel.config.recipe import Recipe
from attnmel.config.settings.data import DataSettings, Statistics
from attnmel.data.preprocess.cache import CHUNK, Cache, channel_statistics
from attnmel.data.preprocess.image_warnings import colour_statistics, mean_colour
from attnmel.data.preprocess.images import central_crop
from attnmel.files.checksums import text_sha256
from attnmel.files.table_files import computed_once
from attnmel.models.weights.pretrained_input import input_scale
from attnmel.pipeline.run.images.dataset import Prepared
from attnmel.progress import SILENT, Progress
from attnmel.records import ColourStatistics


def with_statistics(recipe: Recipe, prepared: Prepared, progress: Progress = SILENT) -> Recipe:
    """Return the recipe with its normalisation: that of the start weights, or of its data set.

    The data set's is the published one where the recipe holds that, else computed.

    Raises:
        CheckpointError: the start weights do not record theirs.
    """
    given, by_weights = recipe.data.statistics, recipe.data.normalise_by == "weights"
    if given is not None and given.of == (_of_weights(recipe) if by_weights else recipe.data.images_in_words):
        return recipe
    found = weights_statistics(recipe) if by_weights else training_statistics(recipe.data, prepared, progress)
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"statistics": found})})


def weights_statistics(recipe: Recipe) -> Statistics:
    """Return the mean and standard deviation that the recipe's start weights were trained with.

    Raises:
        CheckpointError: they do not record them.
    """
    scale = input_scale(recipe.model.weights, recipe.model.trunk)
    return Statistics(
        of=_of_weights(recipe),
        mean=scale.mean,
        std=scale.std,
        source="the input scale that the start weights were trained with",
    )


def _of_weights(recipe: Recipe) -> str:
    return f"weights {recipe.model.weights}"


def training_statistics(data: DataSettings, prepared: Prepared, progress: Progress = SILENT) -> Statistics:
    """Return mean and standard deviation of the training images; computed once, then read from the cache's folder."""
    rows = prepared.rows("train")

    def compute() -> dict[str, list[float]]:
        progress.note(f"computing the colour statistics of {len(rows)} training images")
        mean, std = channel_statistics(prepared.cache, rows)
        return {"mean": [round(v, 6) for v in mean], "std": [round(v, 6) for v in std]}

    def read(values: dict[str, Any]) -> Statistics:
        return Statistics(
            of=data.images_in_words,
            mean=values["mean"],
            std=values["std"],
            source=f"computed on the {len(rows)} training images: mean, and mean of the per-image standard deviations",
        )

    return computed_once(_stored(prepared.cache, rows, "statistics"), compute, read)


def training_colours(data: DataSettings, prepared: Prepared) -> ColourStatistics | None:
    """Return the mean colours of the training images as the network sees them, with which others are compared.

    None where there are too few to compare with. Computed once, then read from the cache's folder.
    """
    rows = prepared.rows("train")
    return computed_once(
        _stored(prepared.cache, rows, f"colours-{data.size}"),
        lambda: {"colours": mean_colours(prepared.cache, rows, data.size).round(6).tolist()},
        lambda values: colour_statistics(np.array(values["colours"], dtype=np.float64).reshape(len(rows), 3)),
    )


def mean_colours(cache: Cache, rows: Int64[np.ndarray, " n"], size: int) -> Float64[np.ndarray, "n 3"]:
    """Return the mean red, green and blue, in [0, 1], of the central `size` pixels of prepared images."""
    colours = [np.zeros((0, 3))]
    for start in range(0, len(rows), CHUNK):
        pixels = central_crop(cache.gather(rows[start : start + CHUNK]), size)[..., :3]
        colours.append(np.stack([mean_colour(one) for one in pixels]))
    return np.concatenate(colours)


def _stored(cache: Cache, rows: Int64[np.ndarray, " n"], name: str) -> Path:
    """Return the file, in the cache's folder, of what is computed of some rows."""
    ids = "\n".join(cache.image_ids[row] for row in rows)
    return cache.path / f"{name}-{text_sha256(ids)[:12]}.json"
