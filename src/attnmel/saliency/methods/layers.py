"""A layer's name to its maps: stages of the package's own networks, and any module of any network."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, NoReturn, TypeGuard

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnmel.config.fields import STRIDE
from attnmel.errors import ConfigError, require_known
from attnmel.models.classifiers import OneTrunk
from attnmel.models.harangi import HarangiNetwork
from attnmel.saliency.methods.class_scores import evaluation_mode

STAGES = ("pool3", "pool4", "pool5")
"""Names of the three maps of every trunk, of strides 8, 16 and 32, in the order in which a trunk returns them."""


def answer_past(
    network: nn.Module,
    images: Float[Tensor, "B 3 s s"],
    layers: Collection[str],
    take: Callable[[str, Tensor], Tensor | None],
) -> object:
    """Return the network's answer, having given `take` the name and the maps [B, C, h, w] of each stage or module.

    What `take` returns goes on in place of the maps; with None they go on themselves. The hooks are gone afterwards,
    also after an error.

    Raises:
        ConfigError: no such layer, one that gives no maps, or one that is used more than once in a pass.
    """
    uses = dict.fromkeys(layers, 0)

    def pass_on(layer: str, output: object) -> Tensor | None:
        if not _is_map(output):
            return None
        uses[layer] += 1
        return take(layer, output)

    with hooked(_modules(network, images, layers), pass_on):
        answer = network(images)
    for layer, count in uses.items():
        if count == 0:
            _refuse(network, layer, images)
        if count > 1:
            raise ConfigError(f"layer '{layer}' is used {count} times in a pass; expected one that is used once")
    return answer


@contextmanager
def hooked(modules: Mapping[str, nn.Module], take: Callable[[str, Any], Tensor | None]) -> Iterator[None]:
    """Give `take` the name and output of each module in the passes of the block; what it returns goes on instead."""
    with ExitStack() as hooks:
        for name, module in modules.items():
            hook = module.register_forward_hook(lambda module, inputs, output, name=name: take(name, output))
            hooks.callback(hook.remove)
        yield


def map_layers(network: nn.Module, images: Float[Tensor, "B 3 s s"]) -> list[str]:
    """Return the names of layers with maps [B, C, h, w]: the stages, then the modules in the order in which they end.

    They are found by a pass of one image.
    """
    stages = list(STAGES) if _trunk(network) is not None else []
    return stages + [name for name in _outputs(network, images) if name]


def stage_layers(network: nn.Module, images: Float[Tensor, "B 3 s s"]) -> dict[str, str]:
    """Return the name of the module behind each stage; empty for a network that is not the package's own.

    The module is looked up by the map that the trunk returns, not by its position; the smallest input of a trunk is
    enough for that.
    """
    trunk = _trunk(network)
    if trunk is None:
        return {}
    returned: list[Tensor] = []

    with hooked({"trunk": trunk}, lambda _, output: returned.extend(output)):
        outputs = _outputs(trunk, images[..., :STRIDE, :STRIDE])
    # Several nested modules may return one map; the outermost ends last.
    return {
        stage: f"trunk.{name}"
        for stage, one in zip(STAGES, returned, strict=True)
        for name, output in outputs.items()
        if output is one
    }


def _modules(network: nn.Module, images: Float[Tensor, "B 3 s s"], layers: Collection[str]) -> dict[str, nn.Module]:
    """Return the module of each stage or module's name."""
    stages = stage_layers(network, images) if any(layer in STAGES for layer in layers) else {}
    known = {name: module for name, module in network.named_modules() if name}
    names = {layer: stages.get(layer, layer) for layer in layers}
    for layer, name in names.items():
        if name not in known:
            _refuse(network, layer, images)
    return {layer: known[name] for layer, name in names.items()}


def _trunk(network: nn.Module) -> nn.Module | None:
    return network.trunk if isinstance(network, OneTrunk) else None


def _outputs(network: nn.Module, images: Float[Tensor, "B 3 s s"]) -> dict[str, Tensor]:
    """Run one image through and return the maps of each module that gives some."""
    found: dict[str, Tensor] = {}

    def keep(name: str, output: object) -> None:
        if _is_map(output):
            found[name] = output

    with hooked(dict(network.named_modules()), keep), evaluation_mode(network), torch.no_grad():
        network(images[:1])
    return found


def _is_map(output: object) -> TypeGuard[Tensor]:
    return isinstance(output, Tensor) and output.ndim == 4


def _refuse(network: nn.Module, layer: str, images: Float[Tensor, "B 3 s s"]) -> NoReturn:
    """Raise the error that lists the known names."""
    if layer in STAGES and isinstance(network, HarangiNetwork):
        raise ConfigError(
            f"the network has several trunks, each with a map '{layer}'; use cam, or gradcam:LAYER, such as "
            "gradcam:others.0.features.1"
        )
    require_known("layer", layer, map_layers(network, images))
    raise ConfigError(f"layer '{layer}' gives maps only now and then; expected one that gives them in every pass")
