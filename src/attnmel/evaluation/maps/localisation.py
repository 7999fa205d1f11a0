"""Maps and what dermatologists marked -> how well they agree, by several measures, one figure an image.

Every map is measured the same way: up-sampled bilinearly to the mask's size and stretched over [0, 1], as the protocol
of the authors' site has it (`overlap`). Its pixels are then sorted once, and each measure is read off the counts of
marked and other pixels at or above each value, as the measures of a classifier are.

Shapes: N images, h and w the size of a map, s the side of a mask, P pixels of a mask, T cuts or distinct values, R rows
of counts (here always one).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from attnmel.data.preprocess.images import MASK_THRESHOLD
from attnmel.errors import PredictionsError
from attnmel.evaluation.classification.choose_threshold import called_at
from attnmel.evaluation.classification.ranking import Counts, Values, average_precision
from attnmel.evaluation.maps.attention_overlap import jaccard_index, refuse_not_finite, upsampled_maps
from attnmel.evaluation.maps.table import MapColumn
from attnmel.evaluation.statistics.proportions import share

LESION, BACKGROUND = "lesion", "background"

CUT = 0.5
"""Share of a map's range above which a pixel is marked; the protocol of the authors' site."""

CUTS = tuple(round(0.05 * step, 2) for step in range(1, 20))
"""The cuts of a sweep, 0.05 to 0.95."""


@dataclass(frozen=True)
class Target:
    """What maps are compared with: the lesion, one dermoscopic feature or the background of each image."""

    name: str
    masks: UInt8[np.ndarray, "N s s"]
    """In the geometry of the maps; above `MASK_THRESHOLD` is marked."""
    known: Bool[np.ndarray, " N"]
    """Whether anybody marked the image; without it, the image has no figure."""

    def background(self) -> "Target":
        """Return all that this target is not."""
        return Target(BACKGROUND, 255 - self.masks, self.known)


@dataclass(frozen=True)
class MapOverlap:
    """How one kind of map agrees with some targets; NaN where there is no answer."""

    measures: dict[tuple[str, str], Float[np.ndarray, " N"]]
    """By measure and target."""
    sweeps: dict[str, Float[np.ndarray, "N T"]]
    """Jaccard index at each of `CUTS`, by target."""

    def columns(self, name: str) -> dict[MapColumn, Float[np.ndarray, " N"]]:
        """Return the measures as columns of a `MapTable`, under the name of the map."""
        return {MapColumn(name, measure, target): values for (measure, target), values in self.measures.items()}


def map_overlap(maps: Float[np.ndarray, "N h w"], targets: Sequence[Target]) -> MapOverlap:
    """Measure each map against each target by all of `MEASURES` and the sweep.

    Raises:
        PredictionsError: a map holds a value that is not finite, or a target is of another number of images.
    """
    refuse_not_finite(maps)
    for target in targets:
        if not len(target.masks) == len(target.known) == len(maps):
            raise PredictionsError(
                f"{len(maps)} maps, but {len(target.masks)} masks of '{target.name}'; expected one a map"
            )
    measures = {(measure, one.name): np.full(len(maps), np.nan) for one in targets for measure in MEASURES}
    sweeps = {one.name: np.full((len(maps), len(CUTS)), np.nan) for one in targets}
    cuts = np.array(CUTS)
    for row in range(len(maps)):
        rankings: dict[int, MapRanking] = {}
        for target in targets:
            if not target.known[row]:
                continue
            side = target.masks.shape[-1]
            if side not in rankings:
                rankings[side] = MapRanking.of(maps[row], side)
            counts = rankings[side].counts(target.masks[row] > MASK_THRESHOLD)
            for measure, of_counts in MEASURES.items():
                measures[measure, target.name][row] = of_counts(counts)[0]
            sweeps[target.name][row] = jaccard_at(counts, cuts)
    return MapOverlap(measures, sweeps)


@dataclass(frozen=True)
class MapRanking:
    """The pixels of one map by falling value, sorted once for all targets and measures."""

    order: Int[np.ndarray, " P"]
    """Pixel of each place in the ranking."""
    ends: Int[np.ndarray, " T"]
    """Last place of each distinct value: equal values are marked together."""
    values: Float[np.ndarray, " T"]

    @staticmethod
    def of(one: Float[np.ndarray, "h w"], side: int) -> "MapRanking":
        """Up-sample a map to `side` and sort it."""
        # A constant map stays so: the rounding of its up-sampling would decide otherwise.
        large = (
            np.full(side**2, one.flat[0], np.float64) if np.ptp(one) == 0 else upsampled_maps(one[None], side).ravel()
        )
        order = np.argsort(-large)
        falling = large[order]
        ends = np.append(np.flatnonzero(falling[1:] != falling[:-1]), len(falling) - 1)
        return MapRanking(order, ends, falling[ends])

    def counts(self, marked: Bool[np.ndarray, "s s"]) -> Counts:
        """Count the marked pixels ("positives") and the others at or above each distinct value."""
        true = np.cumsum(marked.ravel()[self.order], dtype=np.int32)[self.ends].astype(np.float64)
        return Counts(self.values, true[None], (self.ends + 1 - true)[None])


def jaccard_at(counts: Counts, cuts: Float[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
    """Jaccard index of the pixels above each cut, a share of the map's range, with the marked ones; in [0, 1].

    A map that is the same everywhere marks nothing; nothing against nothing is 1.
    """
    low, high = counts.scores[-1], counts.scores[0]
    # Never below the lowest value, which rounding could lead to, so that a constant map has nothing above it.
    true, false = called_at(counts, np.maximum((1 - cuts) * low + cuts * high, low))
    either = false + counts.positives
    return np.where(either > 0, share(true, either), 1.0)


def jaccard(counts: Counts) -> Values:
    """Jaccard index of the protocol: as `jaccard_at`, at `CUT`."""
    return jaccard_at(counts, np.array([CUT]))


def energy_inside(counts: Counts) -> Values:
    """Share of the stretched map's sum that lies on marked pixels, in [0, 1] (Wang et al., "Score-CAM", 2020).

    NaN where nothing is marked, and for a constant map, which has no sum once stretched.
    """
    inside, all_pixels = _sums(counts)
    return _where_marked(counts, share(inside, all_pixels))


def pointing(counts: Counts) -> Values:
    """Whether the map's highest pixel is marked, 0 or 1 (Zhang et al., "Excitation backprop", 2018).

    Of several pixels that share the highest value, the share that is marked. NaN where nothing is marked.
    """
    true, false = counts.true_positives[:, 0], counts.false_positives[:, 0]
    return _where_marked(counts, share(true, true + false))


def soft_dice(counts: Counts) -> Values:
    """Twice the stretched map's sum on marked pixels over its whole sum and their number, in [0, 1].

    1 less the loss's Dice term (slides), of one image. NaN where nothing is marked; 0 for a constant map.
    """
    inside, all_pixels = _sums(counts)
    return _where_marked(counts, share(2 * inside, all_pixels + counts.positives))


MEASURES: dict[str, Callable[[Counts], Values]] = {
    "jaccard": jaccard,
    "ap": average_precision,
    "energy": energy_inside,
    "pointing": pointing,
    "dice": soft_dice,
}
"""Every measure of one map against one target, in the order of the tables. "ap" is of pixels, ranked by the map."""


def cut_measure(cut: float) -> str:
    """Return the name of the Jaccard index at one of `CUTS`, as a column has it."""
    return f"jaccard at {cut:.2f}"


def cam_jaccard_of_authors(maps: Float[np.ndarray, "N h w"], target: Target) -> Float[np.ndarray, " N"]:
    """Jaccard index of class activation maps as the authors took it: binarised at the map's own size, then resized.

    So a CAM of 7x7 marks whole squares. How they resized is not known beyond that; here each pixel takes the cell that
    it lies in (nearest). To be compared with their value only: the other maps, and CAM among them, are compared by
    `map_overlap`. In [0, 1]; NaN where the target is not known.

    Raises:
        PredictionsError: a map holds a value that is not finite.
    """
    refuse_not_finite(maps)
    side = target.masks.shape[-1]
    rows, columns = ((np.arange(side) * 2 + 1) * length // (2 * side) for length in maps.shape[1:])
    low, high = (one(axis=(1, 2), keepdims=True) for one in (maps.min, maps.max))
    small = maps > (low + high) / 2
    return np.array(
        [
            jaccard_index(cells[rows][:, columns][None], mask[None] > MASK_THRESHOLD)[0] if known else np.nan
            for cells, mask, known in zip(small, target.masks, target.known, strict=True)
        ]
    )


def _sums(counts: Counts) -> tuple[Values, Values]:
    """Return the sum of the stretched map on the marked pixels, then on all."""
    above_lowest = counts.scores - counts.scores[-1]
    stretched = above_lowest / above_lowest[0] if above_lowest[0] > 0 else above_lowest
    # Not a matrix product: its threads would cost more than the sum.
    inside, outside = (
        (np.diff(one, axis=1, prepend=0) * stretched).sum(axis=1)
        for one in (counts.true_positives, counts.false_positives)
    )
    return inside, inside + outside


def _where_marked(counts: Counts, values: Values) -> Values:
    return np.where(counts.positives > 0, values, np.nan)
