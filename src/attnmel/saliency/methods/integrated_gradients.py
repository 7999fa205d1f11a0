"""Integrated gradients: how far each pixel moves the score on the way from the mean colour to the image."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from attnmel.files.packages import require_installed
from attnmel.progress import SILENT, Progress
from attnmel.saliency.methods.class_scores import check_class_numbers, differentiable, evaluation_mode, logits_of
from attnmel.saliency.methods.scaling import positive

BASELINE = 0.0
"""Start of the way: the mean colour that normalisation takes away, as in `occlusion`."""

STEPS = 50
"""Points on the way, by Gauss-Legendre; captum's default."""

BATCH = 4
"""Images in one pass: the way back to the pixels keeps every layer's maps, some 130 MiB an image of VGG-16 at 224
pixels, and on a processor more images at once are no faster."""


def integrated_gradients(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"], *, progress: Progress = SILENT
) -> Float[Tensor, "B s s"]:
    """Return what is above 0 of `pixel_shares`, divided by each map's highest value.

    The positive part and not the absolute value: as in the other maps, what counts for the class, not what counts
    against it. A map that is constant or nowhere above 0 becomes 0.
    """
    return positive(pixel_shares(network, images, classes, progress=progress))


def pixel_shares(
    network: nn.Module,
    images: Float[Tensor, "B 3 s s"],
    classes: Int[Tensor, " B"],
    *,
    steps: int = STEPS,
    batch: int = BATCH,
    progress: Progress = SILENT,
) -> Float[Tensor, "B s s"]:
    """Return integrated gradients (Sundararajan et al., ICML 2017) of the class's score, summed over the colours.

    An image's values add up to its score less that of the mean colour, but for the error of `steps` points. `batch`
    bounds how many images are in one pass.

    Raises:
        ConfigError: captum is not installed, the network returns no scores, or has no such class.
    """
    require_installed({"captum": "captum"}, "the method of integrated gradients", "explain")
    from captum.attr import IntegratedGradients

    images = differentiable(images)
    classes = classes.to(images.device)
    shares: list[Tensor] = []

    def logits(some: Float[Tensor, "B 3 s s"]) -> Float[Tensor, "B K"]:
        found = logits_of(network(some))
        check_class_numbers(classes, found.shape[1])
        return found

    with torch.inference_mode(False), evaluation_mode(network):
        method = IntegratedGradients(logits)
        with progress.bar("integrating gradients", len(images), "images") as advance:
            for some, wanted in zip(images.split(batch), classes.split(batch), strict=True):
                found = method.attribute(some, BASELINE, wanted, n_steps=steps, internal_batch_size=batch)
                shares.append(found.detach().sum(1))
                advance(len(some))
    return torch.cat(shares)
