"""A network, images and their maps -> the class's probability while pixels are replaced in the order of the maps.

Pixels are replaced by an infill, by default the blurred image: black or grey holes are unlike any training image, so
that the probability would change because of the hole and not because of what is missing.

Shapes beyond the legend of `models.output`: K stages of a curve.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from attnmel.errors import ConfigError
from attnmel.models.output import probabilities
from attnmel.progress import SILENT, Progress
from attnmel.saliency.methods.class_scores import evaluation_mode, logits_of, scores_of

STEPS = 20
"""Of a curve: each replaces 5 % of the pixels."""

BLUR = 0.1
"""Deviation of the infill's Gaussian, as a share of the side: 22 of 224 pixels. Network and globules are gone then, and
of a lesion a faint shade is left."""

REACH = 3
"""Deviations after which the Gaussian is cut off."""

TIES = 0x71E5
"""Seed of the order among pixels of one value; without it a constant map would go line by line, from the top."""


class PerturbationCurves(NamedTuple):
    """Probability of each image's class after each step, from the untouched start to the replaced whole."""

    deletion: Float[Tensor, "B K"]
    """The image, its highest pixels of the map replaced first: a faithful map makes it fall at once."""
    insertion: Float[Tensor, "B K"]
    """The infill, the image's own pixels put back, the map's highest first: a faithful map makes it rise at once."""


class Evidence(NamedTuple):
    """Probability of each image's class with an area alone, and without it."""

    whole: Float[Tensor, " B"]
    kept: Float[Tensor, " B"]
    """All but the area is replaced."""
    removed: Float[Tensor, " B"]
    """The area is replaced."""


def faithfulness_curves(
    network: nn.Module,
    images: Float[Tensor, "B 3 s s"],
    maps: Float[Tensor, "B s s"],
    classes: Int[Tensor, " B"],
    *,
    infill: Float[Tensor, "B 3 s s"] | None = None,
    steps: int = STEPS,
    batch: int = 32,
    progress: Progress = SILENT,
) -> PerturbationCurves:
    """Return deletion and insertion curves (Petsiuk et al., "RISE", BMVC 2018), of `steps` + 1 points each.

    Each image passes 2 `steps` + 2 times, `batch` at a time over images and steps. Pixels of equal value go in a
    random order that is always the same.

    Raises:
        ConfigError: fewer than one step, or the network returns no scores or has no such class.
    """
    if steps < 1:
        raise ConfigError(f"a curve of {steps} steps; expected at least 1")
    infill = blurred(images) if infill is None else infill
    # A pixel of share x is replaced from the first stage on that is above x.
    shares = ranks(maps) / maps[0].numel()
    stages = torch.arange(steps + 1, device=images.device) / steps
    replaced = stages[:, None, None] > shares[:, None]
    arguments = (network, classes, batch, progress)
    return PerturbationCurves(
        _mixed(images, infill, replaced, *arguments), _mixed(infill, images, replaced, *arguments)
    )


def area_evidence(
    network: nn.Module,
    images: Float[Tensor, "B 3 s s"],
    areas: Bool[Tensor, "B s s"],
    classes: Int[Tensor, " B"],
    *,
    infill: Float[Tensor, "B 3 s s"] | None = None,
    batch: int = 32,
    progress: Progress = SILENT,
) -> Evidence:
    """Return the probabilities of each image with and without an area, such as a binarised map or the lesion."""
    infill = blurred(images) if infill is None else infill
    replaced = torch.stack([torch.zeros_like(areas), ~areas, areas], dim=1)
    return Evidence(*_mixed(images, infill, replaced, network, classes, batch, progress).unbind(1))


def blurred(images: Float[Tensor, "B 3 s s"], deviation: float = BLUR) -> Float[Tensor, "B 3 s s"]:
    """Blur with a Gaussian whose deviation is a share of the side, the image mirrored beyond its border."""
    side = images.shape[-1]
    reach = min(side - 1, math.ceil(REACH * deviation * side))
    offsets = torch.arange(-reach, reach + 1, device=images.device, dtype=images.dtype)
    weights = functional.normalize(torch.exp(-((offsets / (deviation * side)) ** 2) / 2), p=1, dim=0)
    planes = functional.pad(images, (reach, reach, reach, reach), mode="reflect").flatten(0, 1)[:, None]
    planes = functional.conv2d(functional.conv2d(planes, weights[None, None, None, :]), weights[None, None, :, None])
    return planes[:, 0].unflatten(0, images.shape[:2])


def ranks(maps: Float[Tensor, "B s s"]) -> Int[Tensor, "B s s"]:
    """Return the rank of each pixel by falling value, from 0 on; ties in a random order, the same each time."""
    flat = maps.flatten(1)
    shuffle = torch.randperm(flat.shape[1], generator=torch.Generator().manual_seed(TIES)).to(maps.device)
    order = shuffle[flat[:, shuffle].argsort(dim=1, descending=True, stable=True)]
    places = torch.arange(flat.shape[1], device=maps.device).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, places).view_as(maps)


@torch.no_grad()
def _mixed(
    base: Float[Tensor, "B 3 s s"],
    other: Float[Tensor, "B 3 s s"],
    replaced: Bool[Tensor, "B K s s"],
    network: nn.Module,
    classes: Int[Tensor, " B"],
    batch: int,
    progress: Progress,
) -> Float[Tensor, "B K"]:
    """Return the probability of each image's class with each set of its pixels taken from `other`."""
    count, stages = replaced.shape[:2]
    found: list[Tensor] = []
    with evaluation_mode(network), progress.bar("replacing pixels", count * stages, "passes") as advance:
        for chosen in torch.arange(count * stages, device=base.device).split(batch):
            image, stage = chosen // stages, chosen % stages
            mixed = torch.where(replaced[image, stage][:, None], other[image], base[image])
            found.append(probabilities_of(network(mixed), classes.to(image.device)[image]))
            advance(len(chosen))
    return torch.cat(found).reshape(count, stages)


def probabilities_of(output: object, classes: Int[Tensor, " B"]) -> Float[Tensor, " B"]:
    """Return each image's probability of its class, by a softmax in double precision."""
    return scores_of(probabilities(logits_of(output)), classes)
