"""The images that an exported file is checked on: of the run's data set, and phantoms (synthetic images)."""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from attnmel.data.phantoms import draw_phantom
from attnmel.errors import ArchiveError, ConfigError
from attnmel.files.folders import RunFolder
from attnmel.pipeline.run.images.crops import crop_masks
from attnmel.pipeline.run.images.dataset import Prepared
from attnmel.pipeline.run.run import Run
from attnmel.progress import SILENT, Progress
from attnmel.records import Predictions

CALIBRATION = 128
"""Number of training images that set the value ranges of int8."""

AT_ONCE = 16
"""Number of images in memory."""

LARGE = (3000, 2000)
"""Width and height in pixels of a photograph by a dermatoscope's camera."""

GRAIN = 8.0
"""Standard deviation in grey levels of the sensor noise, which a resize without antialiasing would keep."""

PHANTOMS = ("large-phantom.jpg", "large-phantom.png")
"""Files of the same photograph in both formats."""


@dataclasses.dataclass(frozen=True)
class RealImages:
    """Images of one split of a run's data set, and its training images."""

    prepared: Prepared
    split: str
    rows: np.ndarray
    """Rows of the data set: the whole split, or some of it."""

    masks: Mapping[Path, Path] = dataclasses.field(default_factory=dict)
    """Lesion masks that the network's crop follows, by image file."""

    def mask(self, image: Path) -> Path | None:
        """Return the lesion mask of an image file that the network's crop follows; None without one."""
        return self.masks.get(image)

    @property
    def files(self) -> list[Path]:
        """The original image files, in the order of `truth`."""
        return [self.prepared.lesions[row].image for row in self.rows]

    @property
    def truth(self) -> Predictions:
        """Ids, classes, labels and attributes, with equal probabilities for all classes."""
        count = len(self.prepared.classes)
        found = self.prepared.predictions(self.rows, np.full((len(self.rows), count), 1 / count))
        return dataclasses.replace(found, attributes=self.prepared.attributes(self.rows))

    def some(self, most: int) -> "RealImages":
        """Return `most` of these images at equal distances, or all."""
        return dataclasses.replace(self, rows=spread(self.rows, most))

    def training_squares(self) -> UInt8[np.ndarray, "N S S 3"]:
        """Return up to `CALIBRATION` prepared training images, at equal distances in the split."""
        rows = spread(self.prepared.rows("train"), CALIBRATION)
        return np.ascontiguousarray(self.prepared.cache.gather(rows)[..., :3])


def real_images(
    run: RunFolder, *, home: Path, split: str, limit: int, progress: Progress = SILENT
) -> RealImages | None:
    """Return up to `limit` images of a split of the run's own data set; None if that is not on this machine.

    Raises:
        LabelError: the data are not those the run was trained on, or have no such split.
        ImageError: an image cannot be used.
    """
    opened = Run(run, home, progress)
    _ = opened.recipe  # a folder that is no run is an error, not a lack of images
    try:
        _ = opened.dataset
    except (ArchiveError, ConfigError):
        return None
    prepared = opened.same_dataset()
    lesions = {lesion.image_id: lesion.image for lesion in prepared.lesions}
    masks = crop_masks(opened.recipe.data, prepared.dataset, prepared.lesions, home)
    by_image = {lesions[image_id]: mask for image_id, mask in masks.items()}
    return RealImages(prepared, split, spread(prepared.rows(split), limit), by_image)


def spread(rows: np.ndarray, most: int) -> np.ndarray:
    """Return all rows, or `most` of them at equal distances."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def large_phantoms(folder: Path) -> list[Path]:
    """Write a large synthetic photograph into a folder, so that the resize is checked as for a clinic's images.

    A phantom is drawn at half the size, which takes a quarter of the time, enlarged, and noise is added.
    """
    width, height = LARGE
    half = Image.fromarray(draw_phantom(0, 0, height=height // 2, width=width // 2).image)
    smooth = np.asarray(half.resize(LARGE, Image.Resampling.BICUBIC), dtype=np.float32)
    grain = np.random.default_rng(0).standard_normal(smooth.shape, dtype=np.float32) * GRAIN
    photograph = Image.fromarray((smooth + grain).clip(0, 255).astype(np.uint8))
    paths = [folder / name for name in PHANTOMS]
    for path in paths:
        photograph.save(path)
    return paths


def few_at_a_time(files: list[Path]) -> Iterator[list[Path]]:
    """Yield the files in lists of at most `AT_ONCE`."""
    return (files[first : first + AT_ONCE] for first in range(0, len(files), AT_ONCE))
