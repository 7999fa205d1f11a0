"""Files of equal rows, one an image, in a folder that appears once it is whole: what caches are made of. No torch."""

import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from jaxtyping import Integer, UInt8

from attnmel.errors import AttnmelError, ImageError
from attnmel.folders import replacing
from attnmel.progress import Progress

# A build writes all the time; a temporary folder untouched for this long was left by one that was killed.
ABANDONED_SECONDS = 600

# Left free on the disk after a build, for the runs that follow.
SPARE_BYTES = 64 * 1024**2

LISTED_PROBLEMS = 5


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

    A sentence in place of a row says what is wrong with its files. All are tried before the first problem is told, so
    that one look is enough to repair a data set.

    Raises:
        ImageError: names the files that cannot be used, with what is wrong with each.
        OSError: the disk is full or cannot be written.
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


def build_folder(folder: Path, is_whole: Callable[[Path], bool], write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary folder and rename it to `folder`, in place of one that is not whole."""
    try:
        with replacing(folder) as part:
            part.mkdir()
            write(part)
            if folder.exists() and not is_whole(folder):
                shutil.rmtree(folder)
    except OSError:
        # Another process built the same meanwhile, and its folder cannot be renamed over: it is as good.
        if not is_whole(folder):
            raise


def check_space(place: Path, count: int, row_bytes: int, what: str, *, otherwise: str = "") -> None:
    """Refuse to begin what the disk cannot hold; `otherwise` is what else can be done.

    Raises:
        AttnmelError: how much is needed and how much is free.
    """
    needed = count * row_bytes + SPARE_BYTES
    free = shutil.disk_usage(place).free
    if free < needed:
        raise AttnmelError(
            f"{count} {what} need {needed / 1e9:.2f} GB, but {free / 1e9:.2f} GB are free in {place}; "
            f"free some space, {'' if otherwise else 'or '}name another place with --home{', or ' * bool(otherwise)}"
            f"{otherwise}"
        )


def remove_abandoned(place: Path) -> None:
    """Remove what builds that were killed left."""
    now = time.time()
    for folder in place.glob(".????????-*"):
        # `replacing` gave this name; a live build touches its file with every image.
        newest = max((file.stat().st_mtime for file in [folder, *folder.glob("*")]), default=now)
        if folder.is_dir() and now - newest > ABANDONED_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def writable(place: Path, what: str) -> Iterator[None]:
    """Say what could not be written where, in place of an error of the disk.

    Raises:
        AttnmelError: the disk is full or cannot be written.
    """
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise AttnmelError(
            f"cannot write {what} to {place} ({reason}); free some space, or name another place with --home"
        ) from error


def _summary(problems: Sequence[str], total: int) -> str:
    more = len(problems) - LISTED_PROBLEMS
    told = "\n".join(f"  {problem}" for problem in problems[:LISTED_PROBLEMS])
    rest = f"\n  and {more} more" if more > 0 else ""
    return f"{len(problems)} of {total} images cannot be used:\n{told}{rest}"
