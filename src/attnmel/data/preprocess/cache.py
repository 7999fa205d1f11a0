"""Prepared images and masks of a data set, made once, memory-mapped, keyed by content and parameters. No torch."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int64, Integer, UInt8

from attnmel.data.preprocess.array_file import build_folder, check_space, gather_rows, remove_abandoned, writable
from attnmel.data.preprocess.cache_build import CHANNELS, Work, write_pixels
from attnmel.data.preprocess.hashes import content_hashes
from attnmel.data.preprocess.workers import available_processors
from attnmel.errors import ImageError, LabelError, listed
from attnmel.folders import cache_folder
from attnmel.locks import hold_file
from attnmel.progress import SILENT, Progress
from attnmel.records import Lesion

# Part of the key: raise it whenever the same file and parameters would give other pixels, or the files another form.
VERSION = 1

PIXELS = "pixels.bin"
CONTENTS = "contents.json"
MEMORY = "hashes.json"

# Images read at once for the statistics: bounds their memory.
CHUNK = 32


@dataclass(frozen=True, eq=False)
class Cache:
    """The prepared images of one data set, in the order of their ids.

    Arrays are views of one memory-mapped file; `gather` copies rows out of it without mapping them.
    """

    path: Path
    key: str
    image_ids: tuple[str, ...]
    has_mask: Bool[np.ndarray, " N"]
    pixels: UInt8[np.ndarray, "N S S 4"]
    """Red, green, blue, mask."""

    @property
    def images(self) -> UInt8[np.ndarray, "N S S 3"]:
        """Central squares or whole frames, RGB in 0..255."""
        return self.pixels[..., :3]

    @property
    def masks(self) -> UInt8[np.ndarray, "N S S"]:
        """Lesion masks: 255 inside, 0 outside, between them on the border; all 0 where there is none."""
        return self.pixels[..., 3]

    @property
    def side(self) -> int:
        """Side of the prepared images in pixels."""
        return self.pixels.shape[1]

    def rows(self, image_ids: Sequence[str]) -> Int64[np.ndarray, " n"]:
        """Return the row of each image.

        Raises:
            LabelError: names ids that are not in the cache.
        """
        if missing := [image_id for image_id in image_ids if image_id not in self._row_of]:
            raise LabelError(f"no prepared image of: {listed(missing)}; prepare the data set that holds them")
        return np.array([self._row_of[image_id] for image_id in image_ids], dtype=np.int64)

    def gather(self, rows: Integer[np.ndarray, " B"]) -> UInt8[np.ndarray, "B S S 4"]:
        """Return copies of some rows.

        Raises:
            ImageError: the file was cut short since the cache was opened.
        """
        return gather_rows(self.path / PIXELS, rows, self.pixels.shape[1:])

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {image_id: row for row, image_id in enumerate(self.image_ids)}


def open_cache(
    lesions: Sequence[Lesion],
    *,
    crop: float | None,
    side: int,
    home: Path,
    workers: int | None = None,
    progress: Progress = SILENT,
) -> Cache:
    """Return the prepared images of the lesions, built first where this content and these parameters are new.

    `crop` is the central square's share of the shorter side, None for whole frames squashed to squares; `side` is in
    pixels once prepared. A build happens in a temporary folder that is renamed when it is whole. `workers` None: as
    many processes as are worth their start.

    Raises:
        LabelError: no lesion, or one id twice.
        ImageError: names the images and masks that cannot be used.
        AttnmelError: the disk is full or cannot be written.
    """
    ordered = _ordered(lesions)
    works = [Work(one.image_id, one.image, one.mask, crop, side) for one in ordered]
    place = cache_folder(home)
    with writable(place, "prepared images"):
        place.mkdir(parents=True, exist_ok=True)
        key = _key(works, place / MEMORY, workers, progress)
        folder = place / key
        if not _is_whole(folder):
            with hold_file(folder, waiting=progress.note):
                if not _is_whole(folder):
                    remove_abandoned(place)
                    check_space(place, len(works), _row_bytes(side), "prepared images")
                    _build(folder, works, key, workers, progress)
    return _read(folder)


def statistics(
    cache: Cache, rows: Integer[np.ndarray, " n"]
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Return the mean of RGB and the mean over images of each image's standard deviation, both of RGB in [0, 1].

    The second is what the authors normalise by (FACTS, training); it is smaller than the deviation over all pixels.

    Raises:
        ImageError: no image, or images of one colour each, which cannot be normalised.
    """
    means, stds = [np.zeros((0, 3))], [np.zeros((0, 3))]
    for start in range(0, len(rows), CHUNK):
        mean, std = _moments(cache.gather(rows[start : start + CHUNK])[..., :3])
        means.append(mean)
        stds.append(std)
    deviations = np.concatenate(stds)
    if not len(deviations) or not deviations.any(axis=0).all():
        raise ImageError(f"{len(deviations)} images show no contrast; expected photographs to compute statistics of")
    return _rgb(np.concatenate(means)), _rgb(deviations)


def _moments(images: UInt8[np.ndarray, "B S S 3"]) -> tuple[Float64[np.ndarray, "B 3"], Float64[np.ndarray, "B 3"]]:
    # Sums of whole numbers are exact, so the variance loses nothing.
    pixels = images.shape[1] * images.shape[2]
    mean = images.sum(axis=(1, 2), dtype=np.int64) / pixels
    square = np.square(images, dtype=np.uint16).sum(axis=(1, 2), dtype=np.int64) / pixels
    return mean, np.sqrt((square - mean**2).clip(0))


def _rgb(values: Float64[np.ndarray, "n 3"]) -> tuple[float, float, float]:
    red, green, blue = (values.mean(axis=0) / 255).tolist()
    return red, green, blue


def _ordered(lesions: Sequence[Lesion]) -> list[Lesion]:
    if not lesions:
        raise LabelError("the data set holds no image; expected at least one")
    ordered = sorted(lesions, key=lambda lesion: lesion.image_id)
    ids = [lesion.image_id for lesion in ordered]
    if doubled := sorted({one for one, other in pairwise(ids) if one == other}):
        raise LabelError(f"doubled image ids: {listed(doubled)}; expected each image once")
    return ordered


def _key(works: Sequence[Work], memory: Path, workers: int | None, progress: Progress) -> str:
    paths = [path for work in works for path in (work.image, work.mask) if path is not None]
    hashes = content_hashes(paths, memory=memory, workers=workers or available_processors(), progress=progress)
    rows = [[work.image_id, hashes[work.image], hashes[work.mask] if work.mask else None] for work in works]
    content = json.dumps([VERSION, works[0].crop, works[0].side, rows])
    return hashlib.sha256(content.encode()).hexdigest()


def _build(folder: Path, works: Sequence[Work], key: str, workers: int | None, progress: Progress) -> None:
    contents = {
        "key": key,
        "crop": works[0].crop,
        "side": works[0].side,
        "image_ids": [work.image_id for work in works],
        "has_mask": [work.mask is not None for work in works],
    }

    def write(part: Path) -> None:
        write_pixels(part / PIXELS, works, workers=workers, progress=progress)
        (part / CONTENTS).write_text(json.dumps(contents), encoding="utf-8")

    build_folder(folder, _is_whole, write)


def _is_whole(folder: Path) -> bool:
    try:
        contents = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))
        size = (folder / PIXELS).stat().st_size
        return size == len(contents["image_ids"]) * _row_bytes(contents["side"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _read(folder: Path) -> Cache:
    contents = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))
    image_ids, side = tuple(contents["image_ids"]), contents["side"]
    return Cache(
        path=folder,
        key=contents["key"],
        image_ids=image_ids,
        has_mask=np.array(contents["has_mask"], dtype=bool),
        pixels=np.memmap(folder / PIXELS, dtype=np.uint8, mode="r", shape=(len(image_ids), side, side, CHANNELS)),
    )


def _row_bytes(side: int) -> int:
    return side * side * CHANNELS
