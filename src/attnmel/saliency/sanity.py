"""Does a map depend on what it claims to explain? Maps of a shuffled network, of another class, without the lesion.

A map that stays the same when the network's weights are shuffled explains the image, not the network (Adebayo et al.,
"Sanity checks for saliency maps", NeurIPS 2018). How alike two maps are is measured in `evaluation.maps.agreement`.
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from attnmel.data.batches.ablate import paint_out_lesion
from attnmel.data.batches.maker import normalise
from attnmel.data.preprocess.images import BLACK_TO_WHITE, shift_and_scale
from attnmel.errors import ConfigError
from attnmel.saliency.methods.class_scores import check_class_numbers, evaluation_mode, logits_of
from attnmel.saliency.methods.registry import Method

ANOTHER_CLASS, PAINTED_OUT, RANDOMISED = "another class", "lesion painted out", "randomised down to "


def sanity_maps(
    method: Method,
    network: nn.Module,
    images: Float[Tensor, "B 3 s s"],
    classes: Int[Tensor, " B"],
    *,
    painted: Float[Tensor, "B 3 s s"] | None = None,
    every: int = 1,
) -> Iterator[tuple[str, Float[Tensor, "B s s"]]]:
    """Give the maps under each alteration, by its name, to be compared with the maps of the unaltered network.

    First of the next probable class, then of the images whose lesion was painted out (see `painted_out`), if given,
    then of the network randomised layer by layer from the top, after each `every`th layer and the last.
    """
    yield ANOTHER_CLASS, method(network, images, next_class(network, images, classes))
    if painted is not None:
        yield PAINTED_OUT, method(network, painted, classes)
    for layer, shuffled in randomised(network, images, every=every):
        yield f"{RANDOMISED}{layer}", method(shuffled, images, classes)


@torch.no_grad()
def next_class(network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]) -> Int[Tensor, " B"]:
    """Return for each image the most probable class that is not its own.

    Raises:
        ConfigError: the network returns no scores, those of one class alone, or has no such class.
    """
    with evaluation_mode(network):
        logits = logits_of(network(images))
    if logits.shape[1] < 2:
        raise ConfigError("a network for 1 class has no other class to explain; expected at least 2")
    check_class_numbers(classes, logits.shape[1])
    return logits.scatter(1, classes.to(logits.device)[:, None], -torch.inf).argmax(dim=1)


def painted_out(
    pixels: UInt8[np.ndarray, "B s s 4"], mean: Sequence[float], std: Sequence[float]
) -> Float[Tensor, "B 3 s s"]:
    """Return normalised images with a box of skin colour over the lesion, as in the ablation "background-only".

    `pixels` are rows of the cache, cut to the network's input; they are not changed. `mean` and `std` are those of the
    normalisation, of RGB in [0, 1].
    """
    copied = np.array(pixels)
    paint_out_lesion(copied, np.array([round(level * BLACK_TO_WHITE) for level in mean], dtype=np.uint8))
    shift, scale = (torch.from_numpy(one) for one in shift_and_scale(mean, std))
    return normalise(torch.from_numpy(copied), shift, scale)


def randomised(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], *, seed: int = 0, every: int = 1
) -> Iterator[tuple[str, nn.Module]]:
    """Shuffle the weights of ever more layers, from the last that is used to the first; the network itself stays.

    Gives the name of the last layer shuffled and one copy of the network, which is changed further in the next step.
    The weights of a layer are permuted among its own places: so all structure is lost while their scale, which the
    layers around rely on, stays. Tensors of one layer and size, such as the statistics of a batch normalisation, are
    permuted alike, channel by channel.

    Raises:
        ConfigError: `every` is below 1, or no layer of the network has weights.
    """
    if every < 1:
        raise ConfigError(f"randomising every {every} layers; expected at least 1")
    shuffled = copy.deepcopy(network)
    layers = weight_layers(shuffled, images)
    if not layers:
        raise ConfigError(f"{type(network).__name__} has no layer with weights to randomise")
    generator = torch.Generator().manual_seed(seed)
    for place, (name, layer) in enumerate(reversed(layers.items()), start=1):
        _shuffle(layer, generator)
        if place % every == 0 or place == len(layers):
            yield name, shuffled


def weight_layers(network: nn.Module, images: Float[Tensor, "B 3 s s"]) -> dict[str, nn.Module]:
    """Return every module with weights of its own, by name, in the order in which one image passes through them."""
    found: dict[str, nn.Module] = {}
    with ExitStack() as hooks, evaluation_mode(network), torch.no_grad():
        for name, module in network.named_modules():
            if next(module.parameters(recurse=False), None) is not None:
                hook = module.register_forward_pre_hook(lambda one, inputs, name=name: _keep(found, name, one))
                hooks.callback(hook.remove)
        network(images[:1])
    return found


def _keep(found: dict[str, nn.Module], name: str, module: nn.Module) -> None:
    # Returns nothing: what a hook returns replaces the layer's input.
    found.setdefault(name, module)


@torch.no_grad()
def _shuffle(layer: nn.Module, generator: torch.Generator) -> None:
    orders: dict[int, Tensor] = {}
    for tensor in (*layer.parameters(recurse=False), *layer.buffers(recurse=False)):
        if tensor.is_floating_point():
            size = tensor.numel()
            if size not in orders:
                orders[size] = torch.randperm(size, generator=generator)
            tensor.copy_(tensor.flatten()[orders[size].to(tensor.device)].view_as(tensor))
