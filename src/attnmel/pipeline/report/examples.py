"""The most confident hits and misses of a run, as pictures: images and masks of the cache, maps of the run folder."""

from collections.abc import Sequence

import numpy as np

from attnmel.errors import PredictionsError
from attnmel.evaluation.maps.attention_overlap import Overlap
from attnmel.files.table_files import damage
from attnmel.pipeline.run.images.dataset import Prepared, shown_pixels
from attnmel.pipeline.run.results.results import SplitResults
from attnmel.pipeline.run.run import Run
from attnmel.records import ATTENTION_MAPS, Predictions
from attnmel.report.galleries.examples import ExampleGroup, ShownMap, choose, chosen_rows, pictured
from attnmel.report.html.tables import map_words


def examples_of(run: Run, results: SplitResults, predictions: Predictions) -> tuple[ExampleGroup, ...]:
    """Choose the most confident hits and misses, and draw them with the maps that `evaluate` stored, if any.

    Raises:
        AttnmelError: the images are not on this machine, as `missing_images` says, or the maps are damaged.
    """
    prepared, target_class = run.dataset_on(results.on), run.target_class
    choices = choose(predictions, target_class)
    rows = list(chosen_rows(choices))
    ids = [predictions.image_ids[row] for row in rows]
    cached = prepared.cache.rows(ids)
    pixels = shown_pixels(run.recipe.data, prepared, cached)
    return pictured(
        choices,
        predictions,
        target_class,
        images=np.ascontiguousarray(pixels[..., :3]),
        masks=np.ascontiguousarray(pixels[..., 3]),
        has_mask=prepared.cache.has_mask[cached],
        maps=_shown_maps(run, results, ids),
        diagnoses=_diagnoses(prepared, ids),
    )


def _shown_maps(run: Run, results: SplitResults, ids: Sequence[str]) -> list[ShownMap]:
    path = run.folder.attention(results.name)
    if not path.is_file():
        return []
    overlap = Overlap.read(run.folder.overlap(results.name)) if results.overlap else None
    with (
        damage(
            path, PredictionsError, "run `attnmel evaluate` again", found="damaged or of other images", missing=True
        ),
        np.load(path) as arrays,
    ):
        place = {image_id: row for row, image_id in enumerate(arrays["image"].tolist())}
        rows = [place[image_id] for image_id in ids]
        maps = {name: arrays[name][rows] for name in ATTENTION_MAPS}
    return [
        ShownMap(map_words(name), one, overlap.jaccard[name][rows] if overlap else None) for name, one in maps.items()
    ]


def _diagnoses(prepared: Prepared, ids: Sequence[str]) -> dict[str, str]:
    return {
        lesion.image_id: lesion.diagnosis
        for lesion in prepared.lesions
        if lesion.image_id in set(ids) and lesion.diagnosis is not None
    }
