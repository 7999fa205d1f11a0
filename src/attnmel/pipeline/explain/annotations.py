"""A split's images -> their annotations (lesion and dermoscopic features) in the frame of the network's input."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Integer, UInt8

from attnmel.data.preprocess.images import central_crop
from attnmel.data.priors.cache import Planes, open_planes
from attnmel.data.priors.sources import feature_files
from attnmel.evaluation.maps.localisation import LESION, Target
from attnmel.pipeline.run.images.crops import cache_crop, crop_masks
from attnmel.pipeline.run.images.dataset import Prepared
from attnmel.pipeline.run.run import Run


@dataclass(frozen=True)
class Annotations:
    """The annotations of chosen images of a data set."""

    prepared: Prepared
    rows: Integer[np.ndarray, " N"]
    """Of the image cache."""
    size: int
    """Side of the network's input."""
    features: dict[str, Planes]
    """Masks of the dermoscopic features that were annotated on at least one image, in the order of `rows`."""

    @property
    def images(self) -> int:
        """How many images have a lesion mask."""
        return int(self.prepared.cache.has_mask[self.rows].sum())

    def targets(self, places: Int[np.ndarray, " B"]) -> list[Target]:
        """Return lesion, background and features of some of the images."""
        rows = self.rows[places]
        known = self.prepared.cache.has_mask[rows]
        lesion = Target(LESION, self.masks(places), known)
        return [lesion, lesion.background(), *self._features(places)]

    def masks(self, places: Int[np.ndarray, " B"]) -> UInt8[np.ndarray, "B s s"]:
        """Return the lesion masks of some of the images; all 0 where there is none."""
        return self._cropped(self.prepared.cache.gather(self.rows[places])[..., 3])

    def _features(self, places: Int[np.ndarray, " B"]) -> Iterable[Target]:
        for name, planes in self.features.items():
            yield Target(name, self._cropped(planes.gather(places)), planes.has_prior[places])

    def _cropped(self, masks: UInt8[np.ndarray, "B S S"]) -> UInt8[np.ndarray, "B s s"]:
        return np.ascontiguousarray(central_crop(masks, self.size))


def open_annotations(run: Run, rows: Integer[np.ndarray, " N"]) -> Annotations:
    """Find the annotations of some rows; those of features are prepared once and kept next to the image cache.

    Raises:
        ImageError: names the images whose masks cannot be used.
    """
    data, prepared = run.recipe.data, run.dataset
    lesions = [prepared.lesions[row] for row in rows.tolist()]
    crop, masks = cache_crop(data), crop_masks(data, prepared.dataset, prepared.lesions, run.home)
    features = {
        name: open_planes(lesions, files, crop=crop, side=data.side, masks=masks, home=run.home, progress=run.progress)
        for name, files in feature_files(prepared.dataset, lesions, run.home).items()
    }
    return Annotations(prepared, rows, data.size, features)
