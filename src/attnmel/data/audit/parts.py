"""Work on many pairs, some at a time and in threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from attnmel.data.processes import available_processors
from attnmel.progress import Progress

PAIRS = 1024
"""Pairs worked on at once: bounds the memory."""


def in_parts(
    work: Callable[[slice], tuple[np.ndarray, ...]], count: int, label: str, progress: Progress
) -> list[np.ndarray]:
    """Return each array that the work gives, over all rows; most of it is spent in code that lets other threads run."""
    slices = [slice(start, min(start + PAIRS, count)) for start in range(0, max(count, 1), PAIRS)]
    parts = []
    with ThreadPoolExecutor(available_processors()) as pool, progress.bar(label, count, "pairs") as advance:
        for rows, part in zip(slices, pool.map(work, slices), strict=True):
            parts.append(part)
            advance(rows.stop - rows.start)
    return [np.concatenate(some) for some in zip(*parts, strict=True)]
