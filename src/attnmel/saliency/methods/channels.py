"""The channels of a stage: which correlate with a class, and which overlap with the lesion.

After Van Molle et al., "Visualizing convolutional neural networks to improve decision support for skin lesion
classification" (2018), who examined the channels of a network one by one.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from attnmel.saliency.methods.class_scores import evaluation_mode
from attnmel.saliency.methods.layers import answer_past
from attnmel.saliency.methods.scaling import FLAT, stretched, upsampled


class Examples(NamedTuple):
    """Normalised images, which of them are of the class, and where their lesion is."""

    images: Float[Tensor, "B 3 s s"]
    is_class: Bool[Tensor, " B"]
    masks: Float[Tensor, "B s s"]
    """In [0, 1]; an empty one is left out of the overlap."""


class Channels(NamedTuple):
    """How each channel of a layer relates to a class and to the lesion."""

    correlation: Float[Tensor, " C"]
    """Of the channel's mean over the image with being of the class, in [-1, 1]; 0 for a channel that never changes."""
    overlap: Float[Tensor, " C"]
    """Mean soft Jaccard index with the lesion, in [0, 1]; NaN without a mask."""
    means: Float[Tensor, "N C"]
    """Of each channel over each image: which images it is strongest on."""

    def by_correlation(self) -> Int[Tensor, " C"]:
        """Return the channels' numbers, by falling correlation with the class."""
        return self.correlation.argsort(descending=True, stable=True)

    def by_overlap(self) -> Int[Tensor, " C"]:
        """Return the channels' numbers, by falling overlap with the lesion."""
        return self.overlap.argsort(descending=True, stable=True)


def measure_channels(network: nn.Module, batches: Iterable[Examples], *, layer: str) -> Channels:
    """Measure each channel of a stage or a named layer over a set of images.

    Correlation is Pearson's. The overlap is taken at the layer's size, of the channel's map m spread over [0, 1] and
    the averaged mask l: sum of min(m, l) / sum of max(m, l), averaged over the images with a mask.
    """
    means, overlaps, labels = [], [], []
    for examples in batches:
        maps = layer_maps(network, examples.images, layer=layer)
        means.append(maps.mean((2, 3)).double())
        labels.append(examples.is_class.to(maps.device).double())
        marked = examples.masks.flatten(1).any(1)
        overlaps.append(_soft_jaccard(maps[marked], examples.masks[marked].to(maps)).double())
    every = torch.cat(means)
    return Channels(_correlation(every, torch.cat(labels)).float(), torch.cat(overlaps).mean(0).float(), every.float())


def channel_maps(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], *, layer: str, channels: Sequence[int]
) -> Float[Tensor, "B k s s"]:
    """Return the maps of some channels at the images' size, each spread over [0, 1]; a constant one becomes 0."""
    maps = layer_maps(network, images, layer=layer)[:, list(channels)]
    large = stretched(upsampled(maps.flatten(0, 1), images.shape[-1]))
    return large.unflatten(0, maps.shape[:2])


@torch.no_grad()
def layer_maps(network: nn.Module, images: Float[Tensor, "B 3 s s"], *, layer: str) -> Float[Tensor, "B C h w"]:
    """Return what a stage or a named layer gives, in float32 or finer."""
    seen: list[Tensor] = []
    with evaluation_mode(network):
        # Copied, for the next layer may work in place.
        answer_past(network, images, [layer], lambda _, maps: seen.append(maps.clone()))
    return seen[0].to(torch.promote_types(seen[0].dtype, torch.float32))


def _soft_jaccard(maps: Float[Tensor, "B C h w"], masks: Float[Tensor, "B s s"]) -> Float[Tensor, "B C"]:
    """The masks mark something, so the sum of the larger values is above 0."""
    small = functional.adaptive_avg_pool2d(masks[:, None], (maps.shape[2], maps.shape[3]))
    spread = stretched(maps.flatten(0, 1)).unflatten(0, maps.shape[:2])
    return torch.minimum(spread, small).sum((2, 3)) / torch.maximum(spread, small).sum((2, 3))


def _correlation(values: Float[Tensor, "N C"], labels: Float[Tensor, " N"]) -> Float[Tensor, " C"]:
    changes, labels = values - values.mean(0), labels - labels.mean()
    scale = changes.norm(dim=0) * labels.norm()
    # What rounding alone changes goes with nothing.
    varies = changes.norm(dim=0) > FLAT * values.norm(dim=0)
    return torch.where(varies & (scale > 0), labels @ changes / scale, 0.0)
