"""Maps of some images -> their measures, one value an image: of the maps alone, or by running the network again.

What each measure means, and its source, is in `docs/prediction/explain.md`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor, from_numpy, nn

from attnmel.evaluation.maps.agreement import map_likeness, rank_correlations
from attnmel.evaluation.maps.attention_overlap import binarised
from attnmel.evaluation.maps.faithfulness import Probabilities, faithfulness
from attnmel.evaluation.maps.localisation import (
    CUTS,
    LESION,
    MapOverlap,
    Target,
    cam_jaccard_of_authors,
    cut_measure,
    map_overlap,
)
from attnmel.evaluation.maps.summary import AGREEMENT, AUTHORS_JACCARD
from attnmel.evaluation.maps.table import MapColumn
from attnmel.models.classifiers import PooledNetwork
from attnmel.saliency.faithfulness import STEPS, area_evidence, faithfulness_curves
from attnmel.saliency.methods.cam import cam_parts
from attnmel.saliency.methods.registry import Method
from attnmel.saliency.sanity import PAINTED_OUT, sanity_maps, weight_layers
from attnmel.saliency.stability import TURNS, turned_maps

OVERLAP, AUTHORS_CAM = "overlap", "authors-cam"
CAM = "cam"

STOPS = 4
"""Number of measurements while the layers of a network are shuffled from the top down."""

Values = dict[tuple[str, str], Float[np.ndarray, " B"]]
"""By measure and by what the map was compared with, "" where with nothing; NaN where it is not defined."""


@dataclass(frozen=True)
class MapBatch:
    """Some images, the maps of every method, and the masks that they are compared with."""

    maps: Mapping[str, Float[np.ndarray, "B s s"]]
    network: nn.Module
    images: Float[Tensor, "B 3 s s"]
    classes: Int[Tensor, " B"]
    targets: tuple[Target, ...]
    """The lesion first."""

    @cached_property
    def overlaps(self) -> dict[str, MapOverlap]:
        """The overlap with each target by method, which two measures are taken from."""
        return {name: map_overlap(one, self.targets) for name, one in self.maps.items()}


Columns = dict[MapColumn, Float[np.ndarray, " B"]]


def overlap(made: MapBatch) -> Columns:
    """Compare each map with each target."""
    return {column: some for name, one in made.overlaps.items() for column, some in one.columns(name).items()}


def cuts(made: MapBatch) -> Columns:
    """Return the Jaccard index with the lesion at every threshold; `overlap` has one of them."""
    return {
        MapColumn(name, cut_measure(cut), LESION): one.sweeps[LESION][:, place]
        for name, one in made.overlaps.items()
        for place, cut in enumerate(CUTS)
    }


def map_agreement(made: MapBatch) -> Columns:
    """Return the rank correlation of every two maps of an image."""
    pairs = rank_correlations(made.maps).items()
    return {MapColumn(first, AGREEMENT, second): values for (first, second), values in pairs}


def authors_cam(made: MapBatch) -> Columns:
    """Measure class activation maps as the authors did; nothing for a network whose map has no size of its own."""
    if CAM not in made.maps or not has_authors_cam(made.network):
        return {}
    (small,) = cam_parts(made.network, made.images, made.classes).values()
    values = cam_jaccard_of_authors(small.float().cpu().numpy(), made.targets[0])
    return {MapColumn(CAM, AUTHORS_JACCARD, LESION): values}


def has_authors_cam(network: nn.Module) -> bool:
    """Whether the network's CAM is of one map: that of a VGG-16-GAP, as in their figure."""
    return isinstance(network, PooledNetwork)


OF_MAPS: Mapping[str, Callable[[MapBatch], Columns]] = {
    OVERLAP: overlap,
    "cuts": cuts,
    "agreement": map_agreement,
    AUTHORS_CAM: authors_cam,
}
"""Measures that do not run the network again, by name; each is taken on all images."""


class MethodBatch(NamedTuple):
    """Some images as in the network's input, and the maps of one method."""

    method: Method
    network: nn.Module
    images: Float[Tensor, "B 3 s s"]
    painted: Float[Tensor, "B 3 s s"]
    """The same with the lesion painted out."""
    has_lesion: Bool[np.ndarray, " B"]
    """Whether the image has a lesion mask to paint out."""
    classes: Int[Tensor, " B"]
    maps: Float[Tensor, "B s s"]


def faithful(case: MethodBatch) -> Values:
    """Replace pixels in the order of the maps, and by the areas that they mark."""
    areas = binarised(case.maps.cpu().numpy(), case.maps.shape[-1])
    curves = faithfulness_curves(case.network, case.images, case.maps, case.classes)
    evidence = area_evidence(case.network, case.images, from_numpy(areas).to(case.images.device), case.classes)
    found = Probabilities(*(one.cpu().numpy() for one in (*curves, *evidence)))
    return {(name, ""): values for name, values in faithfulness(found, areas).items()}


def sane(case: MethodBatch) -> Values:
    """Compare the maps with those of another class, without the lesion, and of the network with shuffled layers."""
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


def stable(case: MethodBatch) -> Values:
    """Compare the maps with those of the images turned and mirrored, turned back: the mean over the turns."""
    turned = [_likeness(case, maps) for _, maps in turned_maps(case.method, case.network, case.images, case.classes)]
    # A map that is constant once has no correlation there, and so no mean.
    return {(f"stability {name}", ""): np.mean([one[name] for one in turned], axis=0) for name in turned[0]}


class RerunMeasure(NamedTuple):
    """A measure that runs the network again."""

    of: Callable[[MethodBatch], Values]
    passes: Callable[[int], int]
    """Forward passes an image, given those of one map."""


RERUN: Mapping[str, RerunMeasure] = {
    "faithfulness": RerunMeasure(faithful, lambda of_map: of_map + 2 * (STEPS + 1) + 3),
    "sanity": RerunMeasure(sane, lambda of_map: 1 + (3 + STOPS) * of_map),
    "stability": RerunMeasure(stable, lambda of_map: (1 + len(TURNS)) * of_map),
}
"""By name; each is taken on a limited number of images, for it costs many passes."""


def _likeness(case: MethodBatch, maps: Float[Tensor, "B s s"]) -> dict[str, Float[np.ndarray, " B"]]:
    return map_likeness(case.maps.cpu().numpy(), maps.cpu().numpy())
