"""Maps of some images -> measures that ask the network again: faithfulness, sanity, stability, one figure an image.

What each means, and where it comes from, stands in `docs/explain.md`.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor, from_numpy, nn

from attnmel.evaluation.map_agreement import likeness
from attnmel.evaluation.map_curves import Probabilities, faithfulness
from attnmel.evaluation.overlap import binarised
from attnmel.explain.faithfulness import STEPS, area_evidence, faithfulness_curves
from attnmel.explain.methods import Method
from attnmel.explain.sanity import PAINTED_OUT, sanity_maps, weight_layers
from attnmel.explain.stability import TURNS, turned_maps

OVERLAP = "overlap"

STOPS = 4
"""How often a network is looked at while its layers are shuffled from the top down."""

Values = dict[tuple[str, str], Float[np.ndarray, " B"]]
"""By measure and by what the map was held against, "" where it was held against nothing; NaN where there is no
answer."""


class Case(NamedTuple):
    """Some images as the network saw them, and the maps of one method."""

    method: Method
    network: nn.Module
    images: Float[Tensor, "B 3 s s"]
    painted: Float[Tensor, "B 3 s s"]
    """The same with the lesion painted out."""
    has_lesion: Bool[np.ndarray, " B"]
    """Whether there was one to paint out."""
    classes: Int[Tensor, " B"]
    maps: Float[Tensor, "B s s"]


def faithful(case: Case) -> Values:
    """Replace pixels by the maps' order, and by the areas that they mark."""
    areas = binarised(case.maps.cpu().numpy(), case.maps.shape[-1])
    curves = faithfulness_curves(case.network, case.images, case.maps, case.classes)
    evidence = area_evidence(case.network, case.images, from_numpy(areas).to(case.images.device), case.classes)
    found = Probabilities(*(one.cpu().numpy() for one in (*curves, *evidence)))
    return {(name, ""): values for name, values in faithfulness(found, areas).items()}


def sane(case: Case) -> Values:
    """Hold the maps against those of another class, without the lesion, and of the network with shuffled layers."""
    every = -(-len(weight_layers(case.network, case.images)) // STOPS)
    altered = sanity_maps(case.method, case.network, case.images, case.classes, painted=case.painted, every=every)
    found: Values = {}
    for alteration, maps in altered:
        known = case.has_lesion if alteration == PAINTED_OUT else np.ones_like(case.has_lesion)
        found |= {
            (f"sanity {name}", alteration): np.where(known, values, np.nan)
            for name, values in _likeness(case, maps).items()
        }
    return found


def stable(case: Case) -> Values:
    """Hold the maps against those of the images turned and mirrored, turned back: the mean over the turns."""
    turned = [_likeness(case, maps) for _, maps in turned_maps(case.method, case.network, case.images, case.classes)]
    # A map that is constant once has no correlation there, and so no mean.
    return {(f"stability {name}", ""): np.mean([one[name] for one in turned], axis=0) for name in turned[0]}


class Measure(NamedTuple):
    """One way of asking the network again."""

    of: Callable[[Case], Values]
    passes: Callable[[int], int]
    """Forward passes an image, given those of one map."""


ASKING: Mapping[str, Measure] = {
    "faithfulness": Measure(faithful, lambda of_map: of_map + 2 * (STEPS + 1) + 3),
    "sanity": Measure(sane, lambda of_map: 1 + (3 + STOPS) * of_map),
    "stability": Measure(stable, lambda of_map: (1 + len(TURNS)) * of_map),
}
"""By name; each is made on a limited number of images, for it costs many passes."""


def _likeness(case: Case, maps: Float[Tensor, "B s s"]) -> dict[str, Float[np.ndarray, " B"]]:
    return likeness(case.maps.cpu().numpy(), maps.cpu().numpy())
