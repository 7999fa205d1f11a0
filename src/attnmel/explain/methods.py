"""Every way to a map by its name; each is called alike and gives one map in [0, 1] for each image, at its size."""

from collections.abc import Callable, Collection
from functools import partial

from jaxtyping import Float, Int
from torch import Tensor, nn

from attnmel.errors import require_known
from attnmel.explain.attention import attention, attention_maps
from attnmel.explain.cam import cam
from attnmel.explain.controls import centred_gaussian, random_map
from attnmel.explain.gradcam import gradcam, gradcam_maps
from attnmel.explain.integrated_gradients import integrated_gradients
from attnmel.explain.occlusion import occlusion
from attnmel.progress import SILENT, Progress

Method = Callable[[nn.Module, Float[Tensor, "B 3 s s"], Int[Tensor, " B"]], Float[Tensor, "B s s"]]
"""A network, normalised images and the class asked about, to one map an image in [0, 1] at the images' size, 0
everywhere for a map without a pattern.

The network may be in any mode and is left in it, without gradients or hooks of the method. It answers with an `Output`,
with a tuple or list that begins with the scores, or with the scores alone. A network that has no such map or no such
class is refused with a ConfigError.
"""

METHODS: dict[str, Callable[[Progress], Method]] = {
    "attention-pool3": lambda progress: partial(attention, gate="pool3"),
    "attention-pool4": lambda progress: partial(attention, gate="pool4"),
    "cam": lambda progress: cam,
    "gradcam-pool3": lambda progress: partial(gradcam, layer="pool3"),
    "gradcam-pool4": lambda progress: partial(gradcam, layer="pool4"),
    "gradcam-pool5": lambda progress: partial(gradcam, layer="pool5"),
    "occlusion": lambda progress: partial(occlusion, progress=progress),
    "integrated-gradients": lambda progress: partial(integrated_gradients, progress=progress),
    "gaussian": lambda progress: centred_gaussian,
    "random": lambda progress: random_map,
}

CONTROLS = ("gaussian", "random")
"""Those that do not look at the network; a method worth its name does better."""

OWN_LAYER = "gradcam:"
"""Start of the name of Grad-CAM at any module, whose name follows."""

GATE, STAGE = "attention-", "gradcam-"
"""Start of the name of a gate's map, and of Grad-CAM at a stage."""


def build_method(name: str, *, progress: Progress = SILENT) -> Method:
    """Return a method by its name in `METHODS`, or as "gradcam:LAYER"; `progress` is for the slow ones.

    Raises:
        ConfigError: an unknown name, answered with the known ones.
    """
    if name.startswith(OWN_LAYER):
        return partial(gradcam, layer=name.removeprefix(OWN_LAYER))
    require_known("method", name, [*METHODS, f"{OWN_LAYER}LAYER"])
    return METHODS[name](progress)


def maps_of(
    network: nn.Module,
    images: Float[Tensor, "B 3 s s"],
    classes: Int[Tensor, " B"],
    names: Collection[str],
    *,
    progress: Progress = SILENT,
) -> dict[str, Float[Tensor, "B s s"]]:
    """Return the maps of several methods, by name, each as `build_method(name)` makes it.

    The maps of all gates come from one pass, as do Grad-CAMs of all layers: together they cost hardly more than the
    dearest of them.

    Raises:
        ConfigError: as `build_method` and as the methods.
    """
    methods = {name: build_method(name, progress=progress) for name in names}
    gates, layers = _rests(names, GATE), _rests(names, STAGE) | _rests(names, OWN_LAYER)
    of_gate = attention_maps(network, images) if gates else {}
    of_layer = gradcam_maps(network, images, classes, layers=layers.values()) if layers else {}
    shared = {name: of_gate[gate] for name, gate in gates.items()}
    shared |= {name: of_layer[layer] for name, layer in layers.items()}
    return {name: shared[name] if name in shared else of(network, images, classes) for name, of in methods.items()}


def _rests(names: Collection[str], start: str) -> dict[str, str]:
    """Return what follows `start` in each name that begins with it, by name."""
    return {name: name.removeprefix(start) for name in names if name.startswith(start)}
