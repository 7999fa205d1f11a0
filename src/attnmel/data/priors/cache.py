"""Priors that are no lesion mask of the image cache, as planes beside it: one byte a pixel, in the image's geometry.

A plane holds what the prior's files mark, spoilt or not: 255 inside, 0 outside, between them on the border. The image
cache stays as it is and serves every recipe of a table; its mask channel stays the lesion mask, which controls paint by
and overlap is measured against. No torch.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Integer, UInt8

from attnmel.data.preprocess.array_file import (
    build_folder,
    check_space,
    gather_rows,
    remove_abandoned,
    writable,
    write_rows,
)
from attnmel.data.preprocess.cache import MEMORY
from attnmel.data.preprocess.hashes import content_hashes
from attnmel.data.preprocess.images import BLACK_TO_WHITE, image_size, prepared_marks
from attnmel.data.preprocess.workers import available_processors, in_order, worthwhile_processes
from attnmel.data.priors.corrupt import NOT_SPOILT, SWAPPED, spoilt, swapped
from attnmel.data.priors.sources import PriorFiles
from attnmel.errors import ImageError
from attnmel.folders import cache_folder
from attnmel.locks import hold_file
from attnmel.progress import SILENT, Progress
from attnmel.records import Lesion

# Part of the key: raise it whenever the same files and parameters would give other planes.
VERSION = 1

PLANES = "planes.bin"
CONTENTS = "contents.json"


@dataclass(frozen=True, eq=False)
class Planes:
    """One plane an image, in the order that the images were given in; all 0 where an image has no prior."""

    path: Path
    key: str
    side: int
    image_ids: tuple[str, ...]
    has_prior: Bool[np.ndarray, " N"]
    shares: Float64[np.ndarray, " N"]
    """Marked share of each plane; a prior may be empty."""

    @property
    def is_empty(self) -> Bool[np.ndarray, " N"]:
        """Whether an image has a prior that marks nothing in the square that the network sees."""
        return self.has_prior & (self.shares == 0)

    def __len__(self) -> int:
        return len(self.image_ids)

    def gather(self, rows: Integer[np.ndarray, " B"]) -> UInt8[np.ndarray, "B S S"]:
        """Return copies of some planes.

        Raises:
            ImageError: the file was cut short since it was opened.
        """
        return gather_rows(self.path / PLANES, rows, (self.side, self.side))


class _Work(NamedTuple):
    """What one plane is made of; `files` and the `image` that they fit are another one's where masks are swapped."""

    image_id: str
    image: Path
    files: PriorFiles | None
    crop: float
    side: int
    spoil: str


def open_planes(
    lesions: Sequence[Lesion],
    files: Mapping[str, PriorFiles],
    *,
    crop: float,
    side: int,
    spoil: str = NOT_SPOILT,
    home: Path,
    workers: int | None = None,
    progress: Progress = SILENT,
) -> Planes:
    """Return the planes of the lesions, in their order, built first where content, geometry or spoiling are new.

    `files` are those of `prior_files`; `crop` and `side` are the image cache's. Masks are swapped among the lesions
    given that have one.

    Raises:
        ImageError: names the images whose files cannot be used.
        LabelError: fewer than two masks to swap.
        AttnmelError: the disk is full or cannot be written.
    """
    works = _works(lesions, files, crop, side, spoil)
    place = cache_folder(home)
    with writable(place, "prepared priors"):
        place.mkdir(parents=True, exist_ok=True)
        key = _key(works, place / MEMORY, workers, progress)
        folder = place / f"prior-{key}"
        if not _is_whole(folder):
            with hold_file(folder, waiting=progress.note):
                if not _is_whole(folder):
                    remove_abandoned(place)
                    check_space(place, len(works), side**2, "prepared priors")
                    _build(folder, works, key, workers, progress)
    return _read(folder)


def prepared_plane(work: _Work) -> UInt8[np.ndarray, "S S"] | str:
    """Return the plane of one image; or the sentence that says what is wrong with its files."""
    if work.files is None:
        return np.zeros((work.side, work.side), dtype=np.uint8)
    try:
        marks = work.files.marked(image_size(work.image))
    except ImageError as error:
        return f"{work.image_id}: {error}"
    return spoilt(prepared_marks(marks, crop=work.crop, side=work.side), work.image_id, work.spoil)


def _works(
    lesions: Sequence[Lesion], files: Mapping[str, PriorFiles], crop: float, side: int, spoil: str
) -> list[_Work]:
    by_id = {lesion.image_id: lesion for lesion in lesions}
    givers = {image_id: image_id for image_id in by_id}
    if spoil == SWAPPED:
        givers |= swapped(image_id for image_id in by_id if image_id in files)
    return [
        _Work(image_id, by_id[giver].image, files.get(giver), crop, side, spoil) for image_id, giver in givers.items()
    ]


def _key(works: Sequence[_Work], memory: Path, workers: int | None, progress: Progress) -> str:
    paths = [path for work in works if work.files is not None for path in (work.image, *work.files.paths)]
    hashes = content_hashes(paths, memory=memory, workers=workers or available_processors(), progress=progress)
    rows = [
        [work.image_id, *(hashes[path] for path in (work.image, *work.files.paths)), *work.files.chosen]
        if work.files
        else [work.image_id]
        for work in works
    ]
    content = json.dumps([VERSION, works[0].crop, works[0].side, works[0].spoil, rows])
    return hashlib.sha256(content.encode()).hexdigest()


def _build(folder: Path, works: Sequence[_Work], key: str, workers: int | None, progress: Progress) -> None:
    shares: list[float] = []

    def measured(planes: Iterator[UInt8[np.ndarray, "S S"] | str]) -> Iterator[UInt8[np.ndarray, "S S"] | str]:
        for plane in planes:
            if not isinstance(plane, str):
                shares.append(float(plane.mean()) / BLACK_TO_WHITE)
            yield plane

    def write(part: Path) -> None:
        planes = in_order(prepared_plane, works, workers or worthwhile_processes(len(works)))
        write_rows(part / PLANES, measured(planes), total=len(works), label="Preparing priors", progress=progress)
        contents = {
            "key": key,
            "side": works[0].side,
            "image_ids": [work.image_id for work in works],
            "has_prior": [work.files is not None for work in works],
            "shares": shares,
        }
        (part / CONTENTS).write_text(json.dumps(contents), encoding="utf-8")

    build_folder(folder, _is_whole, write)


def _is_whole(folder: Path) -> bool:
    try:
        planes = _read(folder)
        return (folder / PLANES).stat().st_size == len(planes) * planes.side**2
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _read(folder: Path) -> Planes:
    contents = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))
    return Planes(
        path=folder,
        key=contents["key"],
        side=contents["side"],
        image_ids=tuple(contents["image_ids"]),
        has_prior=np.array(contents["has_prior"], dtype=bool),
        shares=np.array(contents["shares"], dtype=np.float64),
    )
