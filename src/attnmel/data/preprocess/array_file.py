"""Arrays computed once: a row an image in one memory-mapped file, in a folder named by its content. No torch.

A folder is built under a temporary name and renamed when it is whole. It also holds `CONTENTS`: JSON with the key, the
side and the image ids, and further values by the kind of arrays.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int64, Integer, UInt8

from attnmel.compute.threads import available_processors
from attnmel.data.preprocess.hashes import file_contents
from attnmel.errors import AttnmelError, ImageError, LabelError, listed
from attnmel.files.checksums import json_sha256
from attnmel.files.folders import cache_folder, replacing
from attnmel.files.leftovers import remove_leftovers
from attnmel.files.locks import built_once
from attnmel.files.table_files import damage, read_json
from attnmel.files.write_problems import is_for_lack_of_right, reason_in_words
from attnmel.number_formats import size_in_words
from attnmel.progress import Progress

CONTENTS = "contents.json"
MEMORY = "hashes.json"

# Left free on the disk after a build, for the runs that follow.
SPARE_BYTES = 64 * 1024**2

LISTED_PROBLEMS = 5

Row = UInt8[np.ndarray, "S S *channels"]


class ArrayKind(NamedTuple):
    """What kind of arrays a folder holds."""

    name: str
    """For messages: "prepared images"."""
    label: str
    """Of the progress bar of a build."""
    file: str
    prefix: str = ""
    """Start of the folder's name."""
    channels: tuple[int, ...] = ()
    """Last dimensions of an array, after its two sides."""

    def row_shape(self, side: int) -> tuple[int, ...]:
        """Return the shape of one row."""
        return side, side, *self.channels


@dataclass(frozen=True, eq=False)
class ArrayCache:
    """One array an image, rows of one memory-mapped file; `gather` copies rows out of it without mapping them."""

    path: Path
    """The folder."""
    key: str
    image_ids: tuple[str, ...]
    """Of the rows, in order."""
    file: Path
    arrays: UInt8[np.ndarray, "N S S *channels"]

    @property
    def side(self) -> int:
        """Side of the arrays in pixels."""
        return self.arrays.shape[1]

    def __len__(self) -> int:
        return len(self.image_ids)

    def rows(self, image_ids: Sequence[str]) -> Int64[np.ndarray, " n"]:
        """Return the row of each image.

        Raises:
            LabelError: names ids that are not in the cache.
        """
        if missing := [image_id for image_id in image_ids if image_id not in self._row_of]:
            raise LabelError(f"no prepared image of: {listed(missing)}; prepare the data set that holds them")
        return np.array([self._row_of[image_id] for image_id in image_ids], dtype=np.int64)

    def gather(self, rows: Integer[np.ndarray, " B"]) -> UInt8[np.ndarray, "B S S *channels"]:
        """Return copies of some rows."""
        return gather_rows(self.file, rows, self.arrays.shape[1:])

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {image_id: row for row, image_id in enumerate(self.image_ids)}


class ArrayBuild(NamedTuple):
    """What the arrays are computed from, and how."""

    image_ids: Sequence[str]
    side: int
    paths: Sequence[Path]
    """Files that the arrays depend on."""
    content: Callable[[Mapping[Path, str]], Any]
    """From what identifies the content of each of these files to a JSON value that identifies the arrays."""
    rows: Callable[[], Iterable[Row | str]]
    """Computes the rows in order; a sentence in place of a row says what is wrong with its files."""
    contents: Callable[[], dict[str, Any]]
    """Further values to store, once all rows are computed."""


def open_arrays(
    kind: ArrayKind, build: ArrayBuild, *, home: Path, workers: int | None, progress: Progress
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields of an `ArrayCache` and the stored values, built first where this content is new.

    Raises:
        ImageError: names the files that cannot be used.
        AttnmelError: the disk is full or cannot be written.
    """
    place = cache_folder(home)
    with writable(place, kind.name):
        place.mkdir(parents=True, exist_ok=True)
        remove_leftovers(place)
        contents = file_contents(
            build.paths, memory=place / MEMORY, workers=workers or available_processors(), progress=progress
        )
        key = json_sha256(build.content({path: one.key for path, one in contents.items()}))
        folder = place / f"{kind.prefix}{key}"
        fill = partial(_build, kind, build, folder, key, progress)
        built_once(folder, lambda: _is_whole(kind, folder), fill, progress.note)
    return _read(kind, folder)


def _build(kind: ArrayKind, build: ArrayBuild, folder: Path, key: str, progress: Progress) -> None:
    """Fill a temporary folder and rename it to `folder`, in place of one that is not whole."""
    check_space(folder.parent, len(build.image_ids), prod(kind.row_shape(build.side)), kind.name)
    try:
        with replacing(folder) as part:
            part.mkdir()
            write_rows(part / kind.file, build.rows(), total=len(build.image_ids), label=kind.label, progress=progress)
            contents = {"key": key, "side": build.side, "image_ids": [*build.image_ids], **build.contents()}
            (part / CONTENTS).write_text(json.dumps(contents), encoding="utf-8")
            if folder.exists() and not _is_whole(kind, folder):
                shutil.rmtree(folder)
    except OSError:
        # Another process built the same meanwhile, and its folder cannot be renamed over: it is as good.
        if not _is_whole(kind, folder):
            raise


def _is_whole(kind: ArrayKind, folder: Path) -> bool:
    try:
        contents = read_json(folder / CONTENTS)
        size = (folder / kind.file).stat().st_size
        return size == len(contents["image_ids"]) * prod(kind.row_shape(contents["side"]))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _read(kind: ArrayKind, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    with damaged_contents(folder):
        contents = read_json(folder / CONTENTS)
        image_ids, file = tuple(map(str, contents["image_ids"])), folder / kind.file
        shape = (len(image_ids), *kind.row_shape(contents["side"]))
        arrays = np.memmap(file, dtype=np.uint8, mode="r", shape=shape)
        fields = {"path": folder, "key": str(contents["key"]), "image_ids": image_ids, "file": file, "arrays": arrays}
        return fields, contents


def damaged_contents(folder: Path) -> AbstractContextManager[None]:
    """Turn what goes wrong while the stored values are used into a sentence.

    Raises:
        ImageError: they are damaged.
    """
    return damage(folder / CONTENTS, ImageError, f"delete the folder {folder} and run again")


def gather_rows(path: Path, rows: Integer[np.ndarray, " B"], shape: tuple[int, ...]) -> UInt8[np.ndarray, "B *shape"]:
    """Return copies of some rows of a file, each of `shape`.

    They are read, not copied from a map: the pages of a map count as memory of the process, which would then grow
    with the number of images.

    Raises:
        ImageError: the file was cut short since it was opened.
    """
    copies = np.empty((len(rows), *shape), dtype=np.uint8)
    with path.open("rb", buffering=0) as file:
        for copy, row in zip(copies, rows.tolist(), strict=True):
            file.seek(row * copy.nbytes)
            if file.readinto(copy.data) != copy.nbytes:
                raise ImageError(f"{path} is damaged: delete the folder {path.parent} and run again")
    return copies


def write_rows(
    path: Path, rows: Iterable[UInt8[np.ndarray, "..."] | str], *, total: int, label: str, progress: Progress
) -> None:
    """Write rows one after another and make sure that they are on the disk.

    A sentence in place of a row says what is wrong with its files. All are tried before an error is raised, which then
    names all problems of a data set at once.

    Raises:
        ImageError: names the files that cannot be used, with what is wrong with each.
    """
    problems = []
    with path.open("wb") as file, progress.bar(label, total, "images") as advance:
        for row in rows:
            if isinstance(row, str):
                problems.append(row)
            elif not problems:
                file.write(row.data)
            advance(1)
        file.flush()
        os.fsync(file.fileno())
    if problems:
        raise ImageError(_summary(problems, total))


def check_space(place: Path, count: int, row_bytes: int, what: str, *, otherwise: str = "") -> None:
    """Refuse a build that the disk has no room for; `otherwise` is another remedy.

    Raises:
        AttnmelError: how much is needed and how much is free.
    """
    needed = count * row_bytes + SPARE_BYTES
    free = shutil.disk_usage(place).free
    if free < needed:
        raise AttnmelError(
            f"{count} {what} need {size_in_words(needed)}, but {size_in_words(free)} are free in {place}; "
            f"free some space, {'' if otherwise else 'or '}name another place with --home{', or ' * bool(otherwise)}"
            f"{otherwise}"
        )


@contextmanager
def writable(place: Path, what: str) -> Iterator[None]:
    """Turn an error of the disk into a sentence with the name of what was written, and where.

    Raises:
        AttnmelError: the disk is full or cannot be written, with what helps.
    """
    try:
        yield
    except OSError as error:
        # The data sets are in the same home, and are read as well through a link.
        remedy = (
            "get the right to write there, or name another place with --home, whose folder 'data' may be a link to the "
            "one of this home"
            if is_for_lack_of_right(error)
            else "free some space, or name another place with --home"
        )
        raise AttnmelError(f"cannot write {what} to {place} ({reason_in_words(error, place)}); {remedy}") from error


def _summary(problems: Sequence[str], total: int) -> str:
    more = len(problems) - LISTED_PROBLEMS
    listed_ = "\n".join(f"  {problem}" for problem in problems[:LISTED_PROBLEMS])
    rest = f"\n  and {more} more" if more > 0 else ""
    return f"{len(problems)} of {total} images cannot be used:\n{listed_}{rest}"
