"""Decode and prepare every image and mask of a data set, in several processes, into one file. No torch.

The file holds a row an image: S x S pixels of four bytes, red, green, blue, mask. One file keeps image and mask
together by construction, and lets augmentation move a pixel and its mask as one 32-bit number.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from attnmel.data.images import image_size, prepared_image, prepared_mask
from attnmel.errors import AttnmelError, ImageError
from attnmel.progress import SILENT, Progress

CHANNELS = 4
"""Red, green, blue and the lesion mask."""

# Starting a process costs about as long as preparing this many images, so a small data set is prepared in this one.
IMAGES_WORTH_A_PROCESS = 64

# Images handed out ahead of the one that is written next; bounds the memory of results that wait for their turn.
AHEAD_PER_PROCESS = 4

LISTED_PROBLEMS = 5


class Work(NamedTuple):
    """What one prepared row is made of."""

    image_id: str
    image: Path
    mask: Path | None
    crop: float
    side: int


def write_pixels(path: Path, works: Sequence[Work], *, workers: int | None = None, progress: Progress = SILENT) -> None:
    """Write one row for each work, in order, and make sure that it is on the disk.

    All files are tried before the first problem is told, so that one look is enough to repair a data set.

    Raises:
        ImageError: names the files that cannot be used, with what is wrong with each.
        OSError: the disk is full or cannot be written.
    """
    processes = workers or min(available_processors(), max(1, len(works) // IMAGES_WORTH_A_PROCESS))
    problems = []
    with path.open("wb") as file, progress.bar("Preparing images", len(works), "images") as advance:
        for row in prepared_rows(works, processes):
            if isinstance(row, str):
                problems.append(row)
            elif not problems:
                file.write(row.data)
            advance(1)
        file.flush()
        os.fsync(file.fileno())
    if problems:
        raise ImageError(_summary(problems, len(works)))


def prepared_rows(works: Sequence[Work], processes: int) -> Iterator[UInt8[np.ndarray, "S S 4"] | str]:
    """Give the prepared rows in order; the sentence that says what is wrong, in place of a row that cannot be made."""
    if processes == 1:
        yield from map(prepared_row, works)
        return
    # Not forked: the parent may hold threads of torch, which a copied process would wait for without end.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_follow_parent) as pool:
        try:
            yield from _in_order(pool, works, ahead=processes * AHEAD_PER_PROCESS)
        except BrokenProcessPool as error:
            raise AttnmelError(
                "a process that prepares images was stopped, most likely because memory ran out; "
                "close other programs and run again"
            ) from error


def prepared_row(work: Work) -> UInt8[np.ndarray, "S S 4"] | str:
    """Return image and mask side by side, mask 0 where there is none; or the sentence that says what is wrong."""
    row = np.zeros((work.side, work.side, CHANNELS), dtype=np.uint8)
    try:
        row[..., :3] = prepared_image(work.image, crop=work.crop, side=work.side)
        if work.mask is not None:
            size = image_size(work.image)
            row[..., 3] = prepared_mask(work.mask, image_size=size, crop=work.crop, side=work.side)
    except ImageError as error:
        return f"{work.image_id}: {error}"
    return row


def available_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _in_order(pool: ProcessPoolExecutor, works: Iterable[Work], *, ahead: int) -> Iterator[np.ndarray | str]:
    waiting: deque[Future[np.ndarray | str]] = deque()
    try:
        for work in works:
            waiting.append(pool.submit(prepared_row, work))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _follow_parent() -> None:
    # Ctrl-C reaches every process of the terminal: only the parent answers it, and its children end with it, also
    # when it is killed without a chance to tell them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


def _summary(problems: Sequence[str], total: int) -> str:
    more = len(problems) - LISTED_PROBLEMS
    told = "\n".join(f"  {problem}" for problem in problems[:LISTED_PROBLEMS])
    rest = f"\n  and {more} more" if more > 0 else ""
    return f"{len(problems)} of {total} images cannot be used:\n{told}{rest}"
