"""Prepared images and masks of a data set, as one array cache: a pixel is red, green, blue and mask. No torch."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float64, Integer, UInt8

from attnmel.config.settings.colours import LEAST_SPREAD, NO_COLOUR_CONSTANCY
from attnmel.data.image_files.reading import print_notes
from attnmel.data.image_files.truncated import SWITCH, accepts_truncated
from attnmel.data.preprocess.array_file import (
    MEMORY,
    ArrayBuild,
    ArrayCache,
    ArrayKind,
    Row,
    damaged_contents,
    open_arrays,
)
from attnmel.data.preprocess.cache_build import CHANNELS, Crop, Work, crop_key, rows_with_lesions
from attnmel.data.preprocess.framing import Framing
from attnmel.data.preprocess.hashes import file_contents
from attnmel.data.preprocess.images import BLACK_TO_WHITE
from attnmel.data.preprocess.workers import worthwhile_processes
from attnmel.errors import ImageError, LabelError, listed
from attnmel.files.folders import cache_folder
from attnmel.progress import SILENT, Progress
from attnmel.records import Lesion

# Part of the key: raise it whenever the same file and parameters would give other pixels, or the files another form.
VERSION = 1

KIND = ArrayKind("prepared images", "Preparing images", "pixels.bin", channels=(CHANNELS,))

NO_MASKS: Mapping[str, Path] = MappingProxyType({})

# Images read at once for the statistics: bounds their memory.
CHUNK = 32


@dataclass(frozen=True, eq=False)
class Cache(ArrayCache):
    """The prepared images of one data set, in the order of their ids."""

    has_mask: Bool[np.ndarray, " N"]
    without_lesion: frozenset[str] = frozenset()
    """Ids of the images in which a crop that follows the lesion found none."""

    @property
    def images(self) -> UInt8[np.ndarray, "N S S 3"]:
        """Central squares or whole frames, RGB in 0..255."""
        return self.arrays[..., :3]

    @property
    def masks(self) -> UInt8[np.ndarray, "N S S"]:
        """Lesion masks: 255 inside, 0 outside, between them on the border; all 0 where there is none."""
        return self.arrays[..., 3]


def open_cache(
    lesions: Sequence[Lesion],
    *,
    crop: Crop,
    side: int,
    masks: Mapping[str, Path] = NO_MASKS,
    place: int = 0,
    colour_constancy: str = NO_COLOUR_CONSTANCY,
    home: Path,
    workers: int | None = None,
    progress: Progress = SILENT,
) -> Cache:
    """Return the prepared images of the lesions, computed first where this content and these parameters are new.

    `crop` is the central square's share of the shorter side, or a framing whose square number `place` is prepared, by
    the `masks` that it follows, by image id; None for whole frames squashed to squares. `side` is in pixels once
    prepared. `workers` None: as many processes as save time.

    Raises:
        LabelError: no lesion, or one id twice.
        ImageError: names the images and masks that cannot be used.
        AttnmelError: the disk is full or cannot be written.
    """
    ordered = _ordered(lesions)
    works = [
        Work(one.image_id, one.image, one.mask, crop, side, masks.get(one.image_id), place, colour_constancy)
        for one in ordered
    ]
    follows = isinstance(crop, Framing)
    without_lesion: list[str] = []
    build = ArrayBuild(
        image_ids=[one.image_id for one in works],
        side=side,
        paths=[path for one in works for path in (one.image, one.mask, one.lesion) if path is not None],
        content=lambda hashes: [
            VERSION,
            crop_key(crop),
            side,
            [[one.image_id, hashes[one.image], hashes[one.mask] if one.mask else None] for one in works],
            *([SWITCH] if accepts_truncated() else []),
            *([colour_constancy] if colour_constancy != NO_COLOUR_CONSTANCY else []),
            *([place, [hashes[one.lesion] if one.lesion else None for one in works]] if follows else []),
        ],
        rows=lambda: _rows(works, workers or worthwhile_processes(len(works)), without_lesion),
        contents=lambda: {
            "crop": crop_key(crop),
            "has_mask": [one.mask is not None for one in works],
            **({"without_lesion": without_lesion} if follows else {}),
        },
    )
    fields, contents = open_arrays(KIND, build, home=home, workers=workers, progress=progress)
    note_readings([one.image for one in works], home, progress)
    with damaged_contents(fields["path"]):
        without = frozenset(contents.get("without_lesion", ()))
        has_mask = np.array(contents["has_mask"], dtype=bool).reshape(len(works))
    return Cache(**fields, has_mask=has_mask, without_lesion=without)


def _rows(works: Sequence[Work], processes: int, without_lesion: list[str]) -> Iterator[Row | str]:
    """Compute the rows, and add to a list the ids of images in which a framing has no lesion to follow."""
    for work, (row, found) in zip(works, rows_with_lesions(works, processes), strict=True):
        if not found:
            without_lesion.append(work.image_id)
        yield row


def note_readings(images: Sequence[Path], home: Path, progress: Progress) -> None:
    """Print how many images are not used as they are stored, and what is done to them."""
    contents = file_contents(images, memory=cache_folder(home) / MEMORY, workers=1)
    notes = Counter(note for one in contents.values() for note in one.reading.split("; ") if " " in note)
    print_notes(notes, len(images), progress)


def channel_statistics(
    cache: Cache, rows: Integer[np.ndarray, " n"]
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Return the mean of RGB and the mean over images of each image's standard deviation, both of RGB in [0, 1].

    The second is what the authors normalise by in training; it is smaller than the deviation over all pixels.

    Raises:
        ImageError: no image, or images of one colour each, or nearly so, which cannot be normalised.
    """
    means, stds = [np.zeros((0, 3))], [np.zeros((0, 3))]
    for start in range(0, len(rows), CHUNK):
        mean, std = _moments(cache.gather(rows[start : start + CHUNK])[..., :3])
        means.append(mean)
        stds.append(std)
    deviations = np.concatenate(stds)
    spread = deviations.mean(axis=0) / BLACK_TO_WHITE if len(deviations) else np.zeros(3)
    if (spread < LEAST_SPREAD).any():
        raise ImageError(
            f"{len(deviations)} images show no contrast, or hardly any; expected photographs to compute statistics of"
        )
    return _rgb(np.concatenate(means)), _rgb(deviations)


def _moments(images: UInt8[np.ndarray, "B S S 3"]) -> tuple[Float64[np.ndarray, "B 3"], Float64[np.ndarray, "B 3"]]:
    # Sums of whole numbers are exact, so the variance loses nothing.
    pixels = images.shape[1] * images.shape[2]
    mean = images.sum(axis=(1, 2), dtype=np.int64) / pixels
    square = np.square(images, dtype=np.uint16).sum(axis=(1, 2), dtype=np.int64) / pixels
    return mean, np.sqrt((square - mean**2).clip(0))


def _rgb(values: Float64[np.ndarray, "n 3"]) -> tuple[float, float, float]:
    red, green, blue = (values.mean(axis=0) / BLACK_TO_WHITE).tolist()
    return red, green, blue


def _ordered(lesions: Sequence[Lesion]) -> list[Lesion]:
    if not lesions:
        raise LabelError("the data set holds no image; expected at least one")
    ordered = sorted(lesions, key=lambda lesion: lesion.image_id)
    ids = [lesion.image_id for lesion in ordered]
    if doubled := sorted({one for one, other in pairwise(ids) if one == other}):
        raise LabelError(f"doubled image ids: {listed(doubled)}; expected each image once")
    return ordered
