"""Start weights of a VGG-16 without batch-norm, rescaled and given batch-norms as measured on training images."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from attnmel.config.recipe import Recipe
from attnmel.errors import ConfigError, LabelError
from attnmel.models.trunks.vgg import VggTrunk
from attnmel.models.weights.start_weights import Start
from attnmel.models.weights.vgg_rescale import Activity, insert_batch_norm, measure, rescale_layers
from attnmel.number_formats import significant
from attnmel.pipeline.run.images.dataset import Prepared, split_batches
from attnmel.progress import Progress
from attnmel.training.loop import LOWER_RATE

BATCH = 8
"""Images measured at once: the first layers of VGG-16 take 13 MB of memory an image at 224 pixels, more than once."""

LARGE = 10.0
"""RMS of an activation from which on rescaling is advised: Oxford's VGG-16, of 34 to 285, cannot be trained at .001."""


def fit_start(
    network: nn.Module, start: Start, recipe: Recipe, prepared: Prepared, device: torch.device, progress: Progress
) -> Start:
    """Rescale the layers where the recipe wants it, and insert the batch-norms that the weights lack.

    Returns `start` with what was done in its sentence, and the numbers in its facts; unchanged where nothing is to do.

    Raises:
        ConfigError: the recipe wants other weights rescaled than published ones of a VGG-16 without batch-norm.
        LabelError: fewer training images than are to be measured.
        CheckpointError: weights that are 0, or not finite, on these images.
    """
    if recipe.model.rescale and not start.rescalable:
        raise ConfigError(
            "model.rescale = true is for published weights of a VGG-16 without batch-norm, but the start is: "
            f"{start.sentence}; set model.rescale = false"
        )
    if not (recipe.model.rescale or start.bare):
        return start
    activities = measure(network.to(device).eval(), _training_images(recipe, prepared, device, progress))
    sizes = {name: activity.rms for name, activity in activities.items()}
    if recipe.model.rescale:
        activities = rescale_layers(network, activities)
    if start.bare:
        _insert(network, activities)
    done = _told(sizes, rescaled=recipe.model.rescale, inserted=start.bare)
    count, seed = recipe.model.start_images, recipe.model.start_seed
    sentence = f"{done}, as measured on {count} training images (model.start_seed {seed})"
    progress.note(f"start weights: {sentence}{_advice(sizes, start, recipe)}")
    facts = {"images": count, "seed": seed, "batch-norm inserted": start.bare, "rescaled": recipe.model.rescale}
    return start._replace(sentence=f"{start.sentence}; {sentence}", facts={**facts, "rms of activations": sizes})


def remedy(start: Start | None, recipe: Recipe) -> str:
    """Return the advice against a loss or gradient that is infinite.

    Large activations make it so; only published weights can have their layers rescaled. `start` is None for a run that
    goes on, which is bound to its recipe.
    """
    if start is None or not start.rescalable or recipe.model.rescale:
        return LOWER_RATE
    return (
        f"{LOWER_RATE}, or train anew with model.rescale = true, which divides each layer of this VGG-16 without "
        "batch-norm by the RMS of its activation"
    )


def _insert(network: nn.Module, activities: Mapping[str, Activity]) -> None:
    trunk = network.get_submodule("trunk")
    assert isinstance(trunk, VggTrunk)  # as `start.bare` implies
    insert_batch_norm(trunk, activities)


def _told(sizes: Mapping[str, float], *, rescaled: bool, inserted: bool) -> str:
    """Describe the changes in words."""
    done: list[str] = []
    if rescaled:
        done.append(f"each layer divided by the RMS of its activation ({_span(sizes)})")
    if inserted:
        done.append("batch-norm inserted after each convolution, which in evaluation mode changes nothing")
    return " and ".join(done)


def _advice(sizes: Mapping[str, float], start: Start, recipe: Recipe) -> str:
    """Advise to rescale where that helps: with batch-norm the loss grows to any size without becoming infinite."""
    if recipe.model.rescale or not start.rescalable or max(sizes.values()) < LARGE:
        return ""
    return (
        f"; the RMS of the activations is {_span(sizes)}, so that high learning rates diverge: model.rescale = true "
        "divides each layer by its own"
    )


def _span(sizes: Mapping[str, float]) -> str:
    return f"{significant(min(sizes.values()))} to {significant(max(sizes.values()))}"


def _training_images(recipe: Recipe, prepared: Prepared, device: torch.device, progress: Progress) -> Iterator[Tensor]:
    """Give the central crops of the drawn training images, normalised, in batches."""
    rows, count = prepared.rows("train"), recipe.model.start_images
    if count > len(rows):
        raise LabelError(
            f"the start weights are to be measured on model.start_images = {count} training images, but "
            f"{prepared.dataset.name} has {len(rows)}; set model.start_images to at most {len(rows)}"
        )
    drawn = np.sort(np.random.default_rng(recipe.model.start_seed).choice(rows, count, replace=False))
    with progress.bar("measuring the start weights", count, "images") as advance:
        for batch in split_batches(recipe.data, prepared, drawn, batch=BATCH, device=device):
            yield batch.images
            advance(len(batch.images))
