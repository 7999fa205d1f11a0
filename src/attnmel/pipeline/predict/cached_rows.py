"""Rows of a run's image cache to predictions: mean probabilities over the squares of an image and their transforms."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float64, Integer

from attnmel.compute import runtime
from attnmel.config.recipe import Recipe
from attnmel.config.settings.tta import Transform
from attnmel.data.batches.ablate import painter
from attnmel.data.batches.stored_maps import StoredMaps
from attnmel.data.preprocess.tta import transformed
from attnmel.evaluation.predict import PredictionsWithMaps, predict_batches
from attnmel.features.store import SystemNetwork
from attnmel.models.output import predict_squares
from attnmel.models.trunks.registry import all_light
from attnmel.pipeline.predict.models.torch_model import model_input
from attnmel.pipeline.run.images.crops import other_crops
from attnmel.pipeline.run.images.dataset import Prepared, split_batches
from attnmel.pipeline.run.images.features import system_predictions
from attnmel.pipeline.run.run import Run

BATCH = 32
"""Images a forward pass; no measure depends on it."""

TRANSFORMED_AT_ONCE = 8
"""Images whose transforms are made together, so that memory stays flat."""

Rows = Integer[np.ndarray, " N"]


def predict_rows(
    run: Run, prepared: Prepared, rows: Rows, transforms: Sequence[Transform], maps: StoredMaps | None = None
) -> PredictionsWithMaps:
    """Predict rows of the image cache by a run: the mean over squares and transforms, of uncalibrated probabilities.

    The first transform is the image as it is, of which attention maps are. `maps` are the feature maps of the run's
    frozen trunk for the rows, used in place of the images as they are.
    """
    data = run.recipe.data
    others = [
        dataclasses.replace(prepared, cache=cache)
        for cache in other_crops(data, prepared.dataset, prepared.lesions, home=run.home, progress=run.progress)
    ]
    left = len(rows) * (1 + len(others)) * len(transforms) - len(rows)
    predicted = _predict_square(run, prepared, rows, maps, further=left)
    means = [predicted.predictions.probabilities]
    for square in others:
        left -= len(rows)
        means.append(_predict_square(run, square, rows, None, further=left).predictions.probabilities)
    if rest := transforms[1:]:
        # Each square has as many transforms, so that their sums over all are those of a mean over all.
        for place, square in enumerate((prepared, *others)):
            left -= len(rows) * len(rest)
            more = _mean_over_transforms(run, square, rows, rest, further=left)
            means[place] = (means[place] + len(rest) * more) / len(transforms)
    predictions = dataclasses.replace(
        predicted.predictions, probabilities=np.mean(means, axis=0), attributes=prepared.attributes(rows)
    )
    return predicted._replace(predictions=predictions)


def _predict_square(
    run: Run, prepared: Prepared, rows: Rows, maps: StoredMaps | None, *, further: int
) -> PredictionsWithMaps:
    """Predict one square of each image; `further` images follow in later bars of the progress."""
    network, card = run.checkpoint
    if isinstance(network, SystemNetwork):
        found = system_predictions(network.system, prepared, rows, home=run.home, progress=run.progress)
        return PredictionsWithMaps(found, ())
    device, recipe = runtime.choose_device(), run.recipe
    if device.type == "cpu" and isinstance(recipe, Recipe) and all_light((recipe.model.trunk, *recipe.model.branches)):
        runtime.keep_memory()  # or half of the time goes to fresh pages
    return predict_batches(
        network,
        split_batches(recipe.data, prepared, rows, batch=BATCH, device=device, maps=maps),
        image_ids=prepared.cache.image_ids,
        classes=card.classes,
        groups=prepared.groups,
        device=device,
        total=len(rows),
        further=further,
        progress=run.progress,
    )


def _mean_over_transforms(
    run: Run, prepared: Prepared, rows: Rows, transforms: Sequence[Transform], *, further: int
) -> Float64[np.ndarray, "N K"]:
    network, card = run.checkpoint
    device, found = runtime.choose_device(), []
    label, total = f"{len(transforms)} transforms of {len(rows):,} images", len(rows) * len(transforms)
    with run.progress.bar(label, total, further=further) as advance:
        for squares in _squares(run, prepared, rows):
            inputs = [
                model_input(transformed(square, one, size=card.size), card) for square in squares for one in transforms
            ]
            found.append(predict_squares(network, torch.cat(inputs).to(device), len(squares)).probabilities)
            advance(len(inputs))
    return np.concatenate(found)


def _squares(run: Run, prepared: Prepared, rows: Rows) -> Iterator[np.ndarray]:
    """Give the prepared images of the rows, a few at a time, painted as in training: uint8 [n, S, S, 3]."""
    card = run.checkpoint[1]
    paint = painter(run.recipe.data.ablation, card.mean)
    for start in range(0, len(rows), TRANSFORMED_AT_ONCE):
        pixels = prepared.cache.gather(rows[start : start + TRANSFORMED_AT_ONCE])
        if paint is not None:
            paint(pixels)
        yield pixels[..., :3]
