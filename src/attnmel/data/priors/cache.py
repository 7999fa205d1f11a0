"""Priors that are not the lesion masks of the image cache, as planes of one byte a pixel, in the image's geometry.

A plane holds the marks of the prior's files, spoilt or not: 255 inside, 0 outside, between them on the border; where
dermoscopic features are kept distinct, each has a bit of the byte. The
image cache stays as it is and serves every recipe of a table; its mask channel stays the lesion mask, which is used to
paint controls and to measure overlap. No torch.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, UInt8

from attnmel.data.preprocess.array_file import ArrayBuild, ArrayCache, ArrayKind, damaged_contents, open_arrays
from attnmel.data.preprocess.cache import NO_MASKS
from attnmel.data.preprocess.cache_build import Crop, crop_key, image_part
from attnmel.data.preprocess.images import BLACK_TO_WHITE, MASK_THRESHOLD, image_size, prepared_pixels
from attnmel.data.preprocess.workers import in_order, worthwhile_processes
from attnmel.data.priors.corrupt import NOT_SPOILT, SWAPPED, spoilt, swapped
from attnmel.data.priors.sources import PriorFiles, StructureFiles
from attnmel.errors import ImageError
from attnmel.progress import SILENT, Progress
from attnmel.records import Lesion

# Part of the key: raise it whenever the same files and parameters would give other planes.
VERSION = 1

KIND = ArrayKind("prepared priors", "Preparing priors", "planes.bin", prefix="prior-")

Plane = UInt8[np.ndarray, "S S"]


@dataclass(frozen=True, eq=False)
class Planes(ArrayCache):
    """One plane an image, in the order that the images were given in; all 0 where an image has no prior."""

    has_prior: Bool[np.ndarray, " N"]
    shares: Float64[np.ndarray, " N"]
    """Marked share of each plane; a prior may be empty."""

    @property
    def is_empty(self) -> Bool[np.ndarray, " N"]:
        """Whether an image has a prior that marks nothing in the square that is the network's input."""
        return self.has_prior & (self.shares == 0)


class _Work(NamedTuple):
    """What one plane is computed from; where masks are swapped, `files` and their `image` are those of another one."""

    image_id: str
    image: Path
    files: PriorFiles | None
    crop: Crop
    side: int
    spoil: str
    lesion: Path | None
    """Mask that a framing follows."""


def open_planes(
    lesions: Sequence[Lesion],
    files: Mapping[str, PriorFiles],
    *,
    crop: Crop,
    side: int,
    masks: Mapping[str, Path] = NO_MASKS,
    spoil: str = NOT_SPOILT,
    home: Path,
    workers: int | None = None,
    progress: Progress = SILENT,
) -> Planes:
    """Return the planes of the lesions, in their order, computed first where content, geometry or spoiling are new.

    `files` are those of `prior_files`; `crop`, `side` and `masks` are the image cache's. Masks are swapped among
    the lesions given that have one.

    Raises:
        ImageError: names the images whose files cannot be used.
        LabelError: fewer than two masks to swap.
        AttnmelError: the disk is full or cannot be written.
    """
    works = _works(lesions, files, crop, side, spoil, masks)
    shares: list[float] = []
    build = ArrayBuild(
        image_ids=[one.image_id for one in works],
        side=side,
        paths=[path for one in works if one.files is not None for path in (one.image, *one.files.paths, *_lesion(one))],
        content=lambda hashes: [VERSION, crop_key(crop), side, spoil, [_content(one, hashes) for one in works]],
        rows=lambda: _measured(in_order(prepared_plane, works, workers or worthwhile_processes(len(works))), shares),
        contents=lambda: {"has_prior": [one.files is not None for one in works], "shares": shares},
    )
    fields, contents = open_arrays(KIND, build, home=home, workers=workers, progress=progress)
    count = len(fields["image_ids"])
    with damaged_contents(fields["path"]):
        has_prior = np.array(contents["has_prior"], dtype=bool).reshape(count)
        marked = np.array(contents["shares"], dtype=np.float64).reshape(count)
    return Planes(**fields, has_prior=has_prior, shares=marked)


def prepared_plane(work: _Work) -> Plane | str:
    """Return the plane of one image; or the sentence that says what is wrong with its files."""
    if work.files is None:
        return np.zeros((work.side, work.side), dtype=np.uint8)
    try:
        files = work.files.each if isinstance(work.files, StructureFiles) else (work.files,)
        marks = [one.marked(image_size(work.image)) for one in files]
        part = image_part(work.crop, work.image, work.lesion)
    except ImageError as error:
        return f"{work.image_id}: {error}"
    grey = [one.astype(np.uint8) * np.uint8(255) for one in marks]
    planes = [spoilt(prepared_pixels(one, crop=part, side=work.side), work.image_id, work.spoil) for one in grey]
    return packed(planes) if isinstance(work.files, StructureFiles) else planes[0]


def packed(planes: Sequence[Plane]) -> Plane:
    """Return up to eight planes as one, each a bit of its bytes."""
    return np.packbits(np.stack(planes) > MASK_THRESHOLD, axis=0, bitorder="little")[0]


def _works(
    lesions: Sequence[Lesion],
    files: Mapping[str, PriorFiles],
    crop: Crop,
    side: int,
    spoil: str,
    masks: Mapping[str, Path],
) -> list[_Work]:
    by_id = {lesion.image_id: lesion for lesion in lesions}
    givers = {image_id: image_id for image_id in by_id}
    if spoil == SWAPPED:
        givers |= swapped(image_id for image_id in by_id if image_id in files)
    return [
        _Work(image_id, by_id[giver].image, files.get(giver), crop, side, spoil, masks.get(giver))
        for image_id, giver in givers.items()
    ]


def _content(work: _Work, hashes: Mapping[Path, str]) -> list[str]:
    if work.files is None:
        return [work.image_id]
    return [
        work.image_id,
        *(hashes[path] for path in (work.image, *work.files.paths, *_lesion(work))),
        *work.files.chosen,
    ]


def _lesion(work: _Work) -> tuple[Path, ...]:
    return (work.lesion,) if work.lesion else ()


def _measured(planes: Iterator[Plane | str], shares: list[float]) -> Iterator[Plane | str]:
    """Pass the planes on, and add the marked share of each to `shares`."""
    for plane in planes:
        if not isinstance(plane, str):
            shares.append(float(plane.mean()) / BLACK_TO_WHITE)
        yield plane
