"""Maps of a frozen trunk, made once, in files of equal rows: one view of one image a row. No torch.

A folder holds parts of `PART` images each, so that a build that was stopped goes on where it was; the contents, which
are written last, make it whole. A row holds the maps one after another, channels last, in half floats; a second file
holds the mean of each map, in float32, for networks that need no more.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import prod
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Float16, Int64, Integer

from attnmel.data.preprocess.array_file import check_space, writable
from attnmel.errors import ImageError
from attnmel.files.folders import cache_folder, replacing
from attnmel.files.leftovers import remove_leftovers
from attnmel.files.locks import built_once
from attnmel.files.table_files import read_json, write_json
from attnmel.progress import SILENT, Progress

# Part of the key: raise it whenever the same images, weights and parameters would give other maps or files.
VERSION = 1

PART = 64
"""Images a file: what a build that was stopped loses at most."""

CONTENTS = "contents.json"

Kind = Literal["maps", "means"]
TYPES: dict[Kind, np.dtype] = {"maps": np.dtype(np.float16), "means": np.dtype(np.float32)}

Shape = tuple[int, int, int]
"""Height, width and channels."""


@dataclass(frozen=True, eq=False)
class StoredMaps:
    """Maps of each view of some images, by pool."""

    path: Path
    key: str
    image_ids: tuple[str, ...]
    views: int
    """Of each image; view 0 is the central crop."""
    shapes: Mapping[int, Shape]
    """Of the maps of each pool that is kept."""
    kind: Kind = "maps"

    @property
    def means(self) -> "StoredMaps":
        """The mean of each map, as a map of one position."""
        shapes = {pool: (1, 1, channels) for pool, (_, _, channels) in self.shapes.items()}
        return replace(self, shapes=shapes, kind="means")

    def places(self, image_ids: Sequence[str]) -> Int64[np.ndarray, " n"]:
        """Return the position of each image.

        Raises:
            ImageError: an image whose maps are not here.
        """
        if missing := [one for one in image_ids if one not in self._place_of]:
            raise ImageError(f"{self.path} holds no maps of {missing[0]}; open the maps of these images")
        return np.array([self._place_of[one] for one in image_ids], dtype=np.int64)

    def gather(
        self, places: Integer[np.ndarray, " B"], views: Integer[np.ndarray, " B"]
    ) -> dict[int, Float[np.ndarray, "B h w C"]]:
        """Return copies of the maps of one view of each image, by pool.

        They are read, not copied from a map of the file, so that the memory of the process stays flat.

        Raises:
            ImageError: a file was cut short.
        """
        copies = {pool: np.empty((len(places), *shape), TYPES[self.kind]) for pool, shape in self.shapes.items()}
        for number, (place, view) in enumerate(zip(places.tolist(), views.tolist(), strict=True)):
            part, within = divmod(place, PART)
            self._read(part, within * self.views + view, [copy[number] for copy in copies.values()])
        return copies

    def _read(self, part: int, row: int, into: Sequence[np.ndarray]) -> None:
        path, row_bytes = part_file(self.path, part, self.kind), row_size(self.shapes, self.kind)
        with path.open("rb", buffering=0) as file:
            if os.preadv(file.fileno(), [one.data for one in into], row * row_bytes) != row_bytes:
                raise ImageError(f"{path} is damaged: delete the folder {path.parent} and run again")

    @cached_property
    def _place_of(self) -> dict[str, int]:
        return {image_id: place for place, image_id in enumerate(self.image_ids)}


class Wanted(NamedTuple):
    """Which maps are to be kept."""

    key: str
    image_ids: tuple[str, ...]
    views: int
    shapes: dict[int, Shape]


Make = Callable[[range], Iterator[dict[int, Float16[np.ndarray, "B h w C"]]]]
"""Computes the maps of every view of some images, an image after another, in batches of any size."""


def open_maps(wanted: Wanted, make: Make, *, home: Path, progress: Progress = SILENT) -> StoredMaps:
    """Return the maps, made first where these are new, or the rest of them where that was stopped."""
    place = cache_folder(home)
    folder = place / f"maps-{wanted.key}"
    with writable(place, "maps of the frozen layers"):
        fill = partial(_build, folder, wanted, make, progress)
        built_once(folder, lambda: _is_whole(folder), fill, progress.note)
    return _read(folder)


def part_file(folder: Path, part: int, kind: Kind) -> Path:
    """Return the file of one part."""
    return folder / f"{kind}-{part:04}.bin"


def row_size(shapes: Mapping[int, Shape], kind: Kind) -> int:
    """Return the bytes of the maps of one view."""
    return sum(map(prod, shapes.values())) * TYPES[kind].itemsize


def _parts(images: int) -> list[range]:
    return [range(start, min(start + PART, images)) for start in range(0, images, PART)]


def _build(folder: Path, wanted: Wanted, make: Make, progress: Progress) -> None:
    remove_leftovers(folder)
    stored = StoredMaps(folder, *wanted)
    missing = {part: images for part, images in enumerate(_parts(len(wanted.image_ids))) if not _has(stored, part)}
    rows = sum(map(len, missing.values())) * wanted.views
    check_space(
        folder.parent,
        rows,
        row_size(wanted.shapes, "maps"),
        "views' maps of the frozen layers",
        otherwise="set training.views lower or training.cache_maps=false",
    )
    folder.mkdir(exist_ok=True)
    with progress.bar("Maps of the frozen layers", rows, "views") as advance:
        for part, images in missing.items():
            _build_part(folder, part, images, wanted, make, advance)
    contents = {**wanted._asdict(), "shapes": {str(pool): shape for pool, shape in wanted.shapes.items()}}
    write_json(folder / CONTENTS, contents, indent=None)


def _build_part(
    folder: Path, part: int, images: range, wanted: Wanted, make: Make, advance: Callable[[int], None]
) -> None:
    # The means are renamed last: where they lie, the maps do.
    with (
        replacing(part_file(folder, part, "means")) as means_path,
        replacing(part_file(folder, part, "maps")) as maps_path,
        means_path.open("wb") as means,
        maps_path.open("wb") as maps,
    ):
        for batch in make(images):
            halves = [batch[pool] for pool in wanted.shapes]
            count = len(halves[0])
            maps.write(np.concatenate([one.reshape(count, -1) for one in halves], axis=1).data)
            means.write(np.concatenate([one.mean(axis=(1, 2), dtype=np.float32) for one in halves], axis=1).data)
            advance(count)
        for file in (maps, means):
            file.flush()
            os.fsync(file.fileno())


def _is_whole(folder: Path) -> bool:
    try:
        stored = _read(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return all(_has(stored, part) for part, _ in enumerate(_parts(len(stored.image_ids))))


def _has(stored: StoredMaps, part: int) -> bool:
    rows = len(_parts(len(stored.image_ids))[part]) * stored.views
    try:
        return all(
            part_file(stored.path, part, one.kind).stat().st_size == rows * row_size(one.shapes, one.kind)
            for one in (stored, stored.means)
        )
    except OSError:
        return False


def _read(folder: Path) -> StoredMaps:
    contents = read_json(folder / CONTENTS)
    return StoredMaps(
        path=folder,
        key=contents["key"],
        image_ids=tuple(contents["image_ids"]),
        views=contents["views"],
        shapes={int(pool): (h, w, c) for pool, (h, w, c) in contents["shapes"].items()},
    )
