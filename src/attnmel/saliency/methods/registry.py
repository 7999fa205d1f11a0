"""Every saliency method by its name; all have one signature and return one map in [0, 1] an image, at its size."""

from collections.abc import Callable, Collection
from functools import partial

from jaxtyping import Float, Int
from torch import Tensor, nn

from attnmel.errors import require_known
from attnmel.models.classifiers import MelNetwork, OneTrunk
from attnmel.progress import SILENT, Progress
from attnmel.saliency.methods.attention import attention, attention_maps
from attnmel.saliency.methods.baselines import centred_gaussian, random_map
from attnmel.saliency.methods.cam import cam, has_cam
from attnmel.saliency.methods.gradcam import gradcam, gradcam_maps
from attnmel.saliency.methods.integrated_gradients import STEPS, integrated_gradients
from attnmel.saliency.methods.occlusion import occlusion, occlusion_passes

Method = Callable[[nn.Module, Float[Tensor, "B 3 s s"], Int[Tensor, " B"]], Float[Tensor, "B s s"]]
"""A network, normalised images and the classes to explain, to one map an image in [0, 1] at the images' size, 0
everywhere for a map without a pattern.

The network may be in any mode and is left in it, without gradients or hooks of the method. It returns an `Output`, a
tuple or list that begins with the scores, or the scores alone. A network that has no such map or no such
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

BASELINES = ("gaussian", "random")
"""Maps that do not depend on the network: a useful method does better."""

OWN_LAYER = "gradcam:"
"""Start of the name of Grad-CAM at any module, whose name follows."""

GATE, STAGE = "attention-", "gradcam-"
"""Start of the name of a gate's map, and of Grad-CAM at a stage."""

PASSES: dict[str, Callable[[int], int]] = {
    "attention": lambda side: 1,
    "cam": lambda side: 1,
    # A backward pass costs about as much as two forward passes.
    "gradcam": lambda side: 3,
    "occlusion": occlusion_passes,
    "integrated-gradients": lambda side: 3 * STEPS,
    "gaussian": lambda side: 0,
    "random": lambda side: 0,
}
"""Cost of the map of one image of that side in forward passes, by the beginning of a method's name."""

SLOW = ("occlusion", "integrated-gradients")
"""More than a hundred passes an image: made where they are named."""


def passes(names: Collection[str], side: int) -> int:
    """Return how many forward passes the maps of one image cost together: those of one beginning are made in one go."""
    return sum(of_side(side) for start, of_side in PASSES.items() if any(name.startswith(start) for name in names))


def usual_methods(network: nn.Module) -> tuple[str, ...]:
    """Return the names of all methods that the network has a map for, without the slow ones.

    A network that is not the package's own has the baselines alone: its layers are to be named.
    """
    has_gates = isinstance(network, MelNetwork) and len(network.gates) > 0
    fits = {"attention": has_gates, "cam": has_cam(network), "gradcam": isinstance(network, OneTrunk)}
    return tuple(name for name in METHODS if name not in SLOW and fits.get(name.split("-")[0], True))


def build_method(name: str, *, progress: Progress = SILENT) -> Method:
    """Return a method by its name in `METHODS`, or as "gradcam:LAYER"; `progress` is for the slow ones.

    Raises:
        ConfigError: an unknown name; the known ones are listed.
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
    most expensive of them.
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
