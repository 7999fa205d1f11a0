"""Grad-CAM at any stage or layer: where a map's channels are strong that the class's score would grow with."""

from collections.abc import Collection, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from attnmel.saliency.methods.class_scores import differentiable, evaluation_mode, scores_of
from attnmel.saliency.methods.layers import answer_past
from attnmel.saliency.methods.scaling import positive, upsampled


def gradcam(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"], *, layer: str
) -> Float[Tensor, "B s s"]:
    """Return Grad-CAM (Selvaraju et al., ICCV 2017), up-sampled bilinearly, then divided by each map's highest value.

    `layer` is a stage ("pool3", "pool4", "pool5") or the name of a module that gives maps. A map that is constant or
    nowhere above 0 becomes 0.
    """
    return gradcam_maps(network, images, classes, layers=[layer])[layer]


def gradcam_maps(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"], *, layers: Collection[str]
) -> dict[str, Float[Tensor, "B s s"]]:
    """Return `gradcam` of several layers, by name, from one pass forward and one back."""
    evidence = gradcam_evidence(network, images, classes, layers=layers)
    return {layer: positive(upsampled(one.relu(), images.shape[-1])) for layer, one in evidence.items()}


def gradcam_evidence(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"], *, layers: Collection[str]
) -> dict[str, Float[Tensor, "B h w"]]:
    """Return Grad-CAM before its ReLU by layer, at the layer's own size: sum over channels c of a_c F_c.

    a_c is the mean over places of the gradient of the class's score with respect to F_c. The gradient is taken from the
    score back to the first of the layers and no further: what lies before it keeps nothing, and no weight gets a
    gradient.
    """
    maps: dict[str, Tensor] = {}

    def start_here(layer: str, found: Tensor) -> Tensor:
        # The mode is set back by the `no_grad` around the pass.
        torch.set_grad_enabled(True)
        # Maps that come after another layer's stay tied to it, for its gradient goes through them.
        maps[layer] = found if found.requires_grad else found.detach().requires_grad_()
        # A copy goes on, for the next layer may work in place.
        return maps[layer].clone()

    with torch.inference_mode(False), torch.no_grad(), evaluation_mode(network):
        scores = scores_of(answer_past(network, differentiable(images), layers, start_here), classes)
        gradients = _gradients(scores, list(maps.values()))
    gradient_of = dict(zip(maps, gradients, strict=True))
    return {layer: _weighted(maps[layer].detach(), gradient_of[layer]) for layer in layers}


def _gradients(scores: Float[Tensor, " B"], maps: list[Tensor]) -> Sequence[Tensor | None]:
    """Return the gradient of each image's own score with respect to its maps; None for maps that no score uses."""
    if not scores.requires_grad:
        return [None] * len(maps)
    # Images do not touch each other in evaluation mode, so the gradient of the sum is each one's own.
    return torch.autograd.grad(scores.sum(), maps, allow_unused=True)


def _weighted(maps: Float[Tensor, "B C h w"], gradient: Float[Tensor, "B C h w"] | None) -> Float[Tensor, "B h w"]:
    if gradient is None:
        return torch.zeros_like(maps[:, 0])
    weights = gradient.to(torch.promote_types(gradient.dtype, torch.float32)).mean((2, 3))
    return torch.einsum("bchw,bc->bhw", maps.to(weights.dtype), weights)
