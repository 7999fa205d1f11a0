"""Attention maps and lesion masks -> how well they overlap, one figure an image.

The protocol of the authors' site: the map is up-sampled bilinearly to the mask's size, min-max normalised, binarised at
0.5, and its Jaccard index with the mask is averaged over the images.

Shapes: N images, h and w the size of a map, s the side of a mask.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8

from attnmel.data.preprocess.images import MASK_THRESHOLD, bilinear
from attnmel.errors import PredictionsError, listed
from attnmel.evaluation.maps.table import image_rows, numbers
from attnmel.evaluation.statistics.bootstrap import RESAMPLES, Interval, mean_interval
from attnmel.files.table_files import write_table

CHUNK = 32
"""Images at once: bounds the memory to some 40 MiB at 224 pixels."""


@dataclass(frozen=True)
class Overlap:
    """Jaccard index of each image's maps with its lesion mask, by image id."""

    image_ids: tuple[str, ...]
    groups: tuple[str, ...]
    """The lesion or patient of each image, as in `Predictions`."""
    jaccard: dict[str, Float[np.ndarray, " N"]]
    """By the name of the map ("pool3", "pool4"); in [0, 1], NaN for an image without a mask."""

    def __post_init__(self) -> None:
        lengths = {len(self.image_ids), len(self.groups), *(len(column) for column in self.jaccard.values())}
        if len(lengths) != 1:
            raise PredictionsError(f"overlaps of unequal length: {sorted(lengths)}")

    def mean(self, name: str, *, resamples: int = RESAMPLES) -> Interval:
        """Return the mean over the images that have a mask, with its 95 % bootstrap interval."""
        return mean_interval(self.jaccard[name], self.groups, resamples=resamples)

    def write(self, path: Path, licence: str) -> None:
        """Write one row an image; a Jaccard index that is not defined stays empty."""
        header = ["image", "group", *(f"jaccard_{name}" for name in self.jaccard)]
        columns = (self.image_ids, self.groups, *(column.astype(float).tolist() for column in self.jaccard.values()))
        write_table(path, header, zip(*columns, strict=True), licence=licence)

    @staticmethod
    def read(path: Path) -> "Overlap":
        """Read what `write` wrote.

        Raises:
            PredictionsError: no such file, or one of another kind.
        """
        header, rows = image_rows(path, "overlaps", "attnmel evaluate RUN")
        columns = [name for name in header if name.startswith("jaccard_")]
        if not columns or not {"image", "group"} <= set(header):
            raise PredictionsError(
                f"{path.name} is no table of overlaps; expected the columns image, group, jaccard_..."
            )
        return Overlap(
            image_ids=tuple(row["image"] for row in rows),
            groups=tuple(row["group"] for row in rows),
            jaccard={name.removeprefix("jaccard_"): numbers(rows, name, path.name) for name in columns},
        )


def attention_overlap(
    maps: Float[np.ndarray, "N h w"], masks: UInt8[np.ndarray, "N s s"], has_mask: Bool[np.ndarray, " N"]
) -> Float[np.ndarray, " N"]:
    """Return the Jaccard index of each binarised map with its mask, in [0, 1]; NaN for an image without a mask.

    Mask and map show the same region. A map that is the same everywhere marks nothing; nothing against an empty mask
    is 1. Each image is evaluated alone, so a long list can be given in parts.

    Raises:
        PredictionsError: a map holds a value that is not finite.
    """
    refuse_not_finite(maps)
    jaccard = np.full(len(maps), np.nan)
    rows = np.flatnonzero(has_mask)
    for part in np.split(rows, range(CHUNK, len(rows), CHUNK)):
        jaccard[part] = jaccard_index(binarised(maps[part], masks.shape[-1]), masks[part] > MASK_THRESHOLD)
    return jaccard


def refuse_not_finite(maps: Float[np.ndarray, "N h w"]) -> None:
    """Refuse maps that cannot be ordered.

    Raises:
        PredictionsError: a map holds a value that is not finite.
    """
    if bad := np.flatnonzero(~np.isfinite(maps).all(axis=(1, 2))).tolist():
        raise PredictionsError(
            f"{len(bad)} of {len(maps)} maps hold values that are not finite (places {listed(map(str, bad))}); "
            "expected numbers in [0, 1]: make them again from a checkpoint that is sound"
        )


def binarised(maps: Float[np.ndarray, "N h w"], side: int) -> Bool[np.ndarray, "N s s"]:
    """Up-sample to `side`, normalise each map to [0, 1] and keep what lies above 0.5; nothing of a constant map."""
    large = upsampled_maps(maps, side)
    low, high = (extreme(large, axis=(1, 2), keepdims=True) for extreme in (np.min, np.max))
    # (x - low) / (high - low) > 0.5 without the division. A constant map is caught before up-sampling, whose rounding
    # would otherwise decide what is marked.
    constant = np.ptp(maps, axis=(1, 2)) == 0
    return (large > (low + high) / 2) & ~constant[:, None, None]


def upsampled_maps(maps: Float[np.ndarray, "N h w"], side: int) -> Float[np.ndarray, "N s s"]:
    """Interpolate bilinearly, as torch's `interpolate(align_corners=False)`: two matrix products a map."""
    if maps.shape[1:] == (side, side):
        return maps.astype(np.float64)
    rows, columns = (bilinear(side, length) for length in maps.shape[1:])
    return rows @ maps.astype(np.float64) @ columns.T


def jaccard_index(first: Bool[np.ndarray, "N s s"], second: Bool[np.ndarray, "N s s"]) -> Float[np.ndarray, " N"]:
    """Return intersection over union of each pair of areas, in [0, 1]; nothing against nothing is 1."""
    both = (first & second).sum(axis=(1, 2))
    either = (first | second).sum(axis=(1, 2))
    return np.divide(both, either, out=np.ones(len(both)), where=either > 0)
