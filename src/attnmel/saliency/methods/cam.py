"""Class activation maps: what each place of the feature maps adds to the score of a class."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from attnmel.errors import ConfigError
from attnmel.models.chen import ChenNetwork
from attnmel.models.classifiers import DenseNetwork, MelNetwork, PooledNetwork
from attnmel.models.harangi import HarangiNetwork
from attnmel.models.heads import TwoHeads
from attnmel.models.output import Output
from attnmel.saliency.methods.class_scores import check_class_numbers, evaluation_mode
from attnmel.saliency.methods.layers import STAGES, hooked
from attnmel.saliency.methods.scaling import stretched, upsampled

WithCam = PooledNetwork | MelNetwork | ChenNetwork | HarangiNetwork
"""The networks whose score is a linear layer on averaged maps."""


def has_cam(network: nn.Module) -> bool:
    """Whether a network has a class activation map."""
    return isinstance(network, WithCam) and not isinstance(network.head, TwoHeads)


def cam(network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]) -> Float[Tensor, "B s s"]:
    """Return class activation maps (Zhou et al., CVPR 2016), each spread over [0, 1]; a constant one becomes 0.

    The parts of `cam_parts`, up-sampled bilinearly and summed. Nothing is cut off at 0: the lowest place may be one
    that counts against the class.
    """
    parts = cam_parts(network, images, classes)
    return stretched(torch.stack([upsampled(part, images.shape[-1]) for part in parts.values()]).sum(0))


@torch.no_grad()
def cam_parts(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> dict[str, Float[Tensor, "B h w"]]:
    """Return by stage, at the stage's own size, what each place adds to the score of the class.

    VGG-16-GAP (pool5 alone): M(p) = sum over channels c of w_kc F_c(p), with F the map and w_k the head's weights of
    class k. Mel-CNN has such a part for each of its three maps, with the head's weights of its channels. With a gate it
    is the part of A.F, the map that is averaged; with a softmax gate, whose A.F is summed, of n A.F, n the places. So
    the means of the parts add up to the class's score less its bias, as does the mean of their sum up-sampled. Gates
    are taken as they are: that F also moves A is left out. Chen's network has the part of its classification branch, of
    pool-5's size, after features were passed; Harangi's has the sum of its trunks' parts.

    The authors' measure for VGG-16-GAP binarises the part itself, before it is up-sampled.

    Raises:
        ConfigError: the network has no linear layer on averaged maps, or no such class.
    """
    if not isinstance(network, WithCam) or not has_cam(network):
        raise ConfigError(_why_none(network))
    maps, attention = _pass(network, images)
    weights = network.head.weight
    check_class_numbers(classes, len(weights))
    chosen = weights[classes.to(weights.device)]
    if isinstance(network, HarangiNetwork):
        parts = chosen.split([one.shape[1] for one in maps], dim=1)
        return {STAGES[2]: torch.stack([_weighted(*pair) for pair in zip(maps, parts, strict=True)]).sum(0)}
    if isinstance(network, ChenNetwork):
        return {STAGES[2]: _weighted(maps[0], chosen)}
    if isinstance(network, PooledNetwork):
        return {STAGES[2]: _weighted(maps[2], chosen)}
    # The head's order: pool-5, pool-3, pool-4.
    pool3, pool4, pool5 = (one.shape[1] for one in maps)
    of_pool5, of_pool3, of_pool4 = chosen.split([pool5, pool3, pool4], dim=1)
    parts = [_weighted(one, of) for one, of in zip(maps, (of_pool3, of_pool4, of_pool5), strict=True)]
    for place, (gate, one) in enumerate(zip(network.gates, attention, strict=True)):
        places = one[0].numel() if gate.kind == "softmax" else 1
        parts[place] = parts[place] * one[:, 0] * places
    return dict(zip(STAGES, parts, strict=True))


def _pass(
    network: WithCam, images: Float[Tensor, "B 3 s s"]
) -> tuple[Sequence[Tensor], Sequence[Float[Tensor, "B 1 h w"]]]:
    """Run the images through once and return the maps that are averaged, and the gates'.

    They are the trunk's three maps, the branches' for Chen's, each trunk's deepest map for Harangi's.
    """
    seen: list[Sequence[Tensor]] = []
    several = isinstance(network, HarangiNetwork)
    first = network.passing if isinstance(network, ChenNetwork) else network.trunk
    modules = {"": first, **(dict(network.others.named_children()) if several else {})}
    with hooked(modules, lambda _, maps: seen.append(maps)), evaluation_mode(network):
        output: Output = network(images)
    return [one[2] for one in seen] if several else seen[0], output.attention


def _weighted(maps: Float[Tensor, "B C h w"], weights: Float[Tensor, "B C"]) -> Float[Tensor, "B h w"]:
    return torch.einsum("bchw,bc->bhw", maps.to(weights.dtype), weights)


def _why_none(network: nn.Module) -> str:
    instead = "use gradcam-pool5 or gradcam:LAYER, which is the same map where both exist"
    if isinstance(network, WithCam):
        return f"a network with two heads has two weights of each channel for a class, and no one map; {instead}"
    if isinstance(network, DenseNetwork):
        return (
            "VGG-16 has no class activation map: its dense layers weigh each channel differently at each place, so no "
            f"channel has one weight for a class; {instead}"
        )
    return (
        f"{type(network).__name__} has no class activation map that is known: it needs one linear layer on averaged "
        f"maps, as vgg16-gap, mel-cnn, attnmel-cnn, chen and harangi have; {instead}"
    )
