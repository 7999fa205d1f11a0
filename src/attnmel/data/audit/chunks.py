"""Work on many pairs, some at a time and in threads."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain

import numpy as np
from threadpoolctl import threadpool_limits

from attnmel.compute.threads import available_processors, requested_threads
from attnmel.progress import Progress

TOGETHER = 8192
"""Rows of pixels of the pairs that are worked on at once: pages of larger arrays are cleared anew each time."""


@contextmanager
def threads() -> Iterator[ThreadPoolExecutor]:
    """Give a pool of threads, each of which computes its products of matrices itself.

    Those that OpenBLAS would start for each product wait for each other: they double the processor's time.
    """
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(requested_threads() or available_processors()) as pool:
        yield pool


def in_parts(
    work: Callable[[slice], tuple[np.ndarray, ...]], count: int, side: int, label: str, progress: Progress
) -> list[np.ndarray]:
    """Return each array that the work on squares of a side gives, over all rows; most of it lets other threads run.

    The first part is done before the threads start: an extension whose first call sets something up once may wait for
    ever where two threads make that call at the same moment (pybind11, which scipy's transforms are built with, too).
    """
    pairs = TOGETHER // side
    slices = [slice(start, min(start + pairs, count)) for start in range(0, max(count, 1), pairs)]
    parts = []
    with threads() as pool, progress.bar(label, count, "pairs") as advance:
        for rows, part in zip(slices, chain([work(slices[0])], pool.map(work, slices[1:])), strict=True):
            parts.append(part)
            advance(rows.stop - rows.start)
    return [np.concatenate(some) for some in zip(*parts, strict=True)]
