"""Grad-CAM at any stage or layer: where a map's channels are strong that the class's score would grow with."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from attnmel.explain.layers import answer_past
from attnmel.explain.scaling import positive, upsampled
from attnmel.explain.scores import evaluation_mode, plain, scores_of


def gradcam(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"], *, layer: str
) -> Float[Tensor, "B s s"]:
    """Return Grad-CAM (Selvaraju et al., ICCV 2017), up-sampled bilinearly, then divided by each map's highest value.

    `layer` is a stage ("pool3", "pool4", "pool5") or the name of a module that gives maps. A map that is constant or
    nowhere above 0 becomes 0.

    Raises:
        ConfigError: as `gradcam_evidence`.
    """
    evidence = gradcam_evidence(network, images, classes, layer=layer)
    return positive(upsampled(evidence.relu(), images.shape[-1]))


def gradcam_evidence(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"], *, layer: str
) -> Float[Tensor, "B h w"]:
    """Return Grad-CAM before its ReLU, at the layer's own size: sum over channels c of a_c F_c.

    a_c is the mean over places of the gradient of the class's score with respect to F_c. The gradient is taken from the
    score back to the layer and no further: what lies before the layer keeps nothing, and no weight gets a gradient.

    Raises:
        ConfigError: no such layer (the known ones are listed), one used more than once, or no such class.
    """
    cut: list[Tensor] = []

    def start_here(maps: Tensor) -> Tensor:
        # The mode is set back by the `no_grad` around the pass.
        torch.set_grad_enabled(True)
        cut.append(maps.detach().requires_grad_())
        # A copy goes on, for the next layer may work in place.
        return cut[0].clone()

    with torch.inference_mode(False), torch.no_grad(), evaluation_mode(network):
        scores = scores_of(answer_past(network, plain(images), layer, start_here), classes)
        # Images do not touch each other in evaluation mode, so the gradient of the sum is each one's own.
        (gradient,) = torch.autograd.grad(scores.sum(), cut, allow_unused=True) if scores.requires_grad else (None,)
    if gradient is None:
        return torch.zeros_like(cut[0][:, 0]).detach()
    weights = gradient.to(torch.promote_types(gradient.dtype, torch.float32)).mean((2, 3))
    return torch.einsum("bchw,bc->bhw", cut[0].detach().to(weights.dtype), weights)
