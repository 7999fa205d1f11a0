"""Prepared images -> what a feature is computed of: histograms, a trunk's means, or local descriptors. No torch.

Nothing here is fitted, so it is computed once an image and kept (`pipeline.run.images.features`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from attnmel.config.system import (
    ColourSettings,
    EdgeSettings,
    Feature,
    FisherSettings,
    LbpSettings,
    Pool,
    SparseSettings,
    Tap,
    TapSettings,
)
from attnmel.features import handcrafted
from attnmel.features.card import TrunkFacts
from attnmel.features.handcrafted import Pixels, central_share

VERSION = 1
"""Part of the key: raised whenever the same images and settings would give other values."""

Described = dict[str, np.ndarray]
"""By tap: [B D] of whole images, or [B T d] of local descriptors."""

ONLY = "all"
"""Name of the tap of a feature that has one alone."""


@runtime_checkable
class FeatureTrunk(Protocol):
    """What a feature takes of a network; `trunk_network.TrunkNetwork`, which needs torch."""

    facts: TrunkFacts

    def means(self, pixels: Pixels, taps: Sequence[Tap]) -> Described:
        """Return the means of maps."""
        ...

    def positions(self, pixels: Pixels, pools: Sequence[Pool]) -> Described:
        """Return the positions of maps."""
        ...


@dataclass(frozen=True)
class FeatureSource:
    """One feature of a system, for central squares of some size."""

    settings: Feature
    size: int
    """Side in pixels of the square that is described, whatever its share of the image."""
    trunk: FeatureTrunk | None = None

    @property
    def taps(self) -> tuple[str, ...]:
        """Names of what is computed."""
        if isinstance(self.settings, FisherSettings):
            return self.settings.pools
        return self.settings.taps if isinstance(self.settings, TapSettings) else (ONLY,)

    def key(self, context: float) -> str:
        """Return what identifies the values of given images, as JSON."""
        settings = self.settings.model_dump(mode="json")
        # What is fitted on the values, and where weights lie, does not change them.
        fitted = ("atoms", "used", "patches", "components", "mixture", "descriptors", "weights")
        own = {name: value for name, value in settings.items() if name not in fitted}
        # Of a network more than its weights: the same ones with another mean or padding give other values.
        network = self.trunk.facts.model_dump(mode="json", exclude={"origin", "licence"}) if self.trunk else None
        return json.dumps([VERSION, own, network, self.size, context], sort_keys=True)

    def describe(self, pixels: Pixels, context: float) -> Described:
        """Describe the central share of images."""
        settings = self.settings
        if isinstance(settings, FisherSettings):
            assert self.trunk is not None
            squares = (central_share(pixels, context, side) for side in settings.sides)
            found = [self.trunk.positions(one, settings.pools) for one in squares]
            return {pool: np.concatenate([one[pool] for one in found], axis=1) for pool in settings.pools}
        square = central_share(pixels, context, self.size)
        if isinstance(settings, TapSettings):
            assert self.trunk is not None
            return self.trunk.means(square, settings.taps)
        return {ONLY: _handcrafted(settings, square)}


def _handcrafted(settings: ColourSettings | EdgeSettings | LbpSettings | SparseSettings, square: Pixels) -> np.ndarray:
    if isinstance(settings, ColourSettings):
        return handcrafted.colour_histograms(square, settings.bins)
    if isinstance(settings, EdgeSettings):
        return handcrafted.edge_histograms(square, settings.bins, settings.cells)
    if isinstance(settings, LbpSettings):
        return handcrafted.lbp_histograms(square, settings.radii)
    return handcrafted.patches(square, settings.patch, colour=settings.colour == "rgb")
