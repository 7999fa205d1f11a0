"""Descriptions of images -> the nearest others of each, by products of unit vectors with all others, by faiss.

Legend of shapes: N images, D values of a description, M found.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, Int64

from attnmel.compute.threads import available_processors, requested_threads
from attnmel.progress import SILENT, Progress

ROWS = 1024
"""Images whose nearest are searched at once: bounds the memory."""


class NearestPairs(NamedTuple):
    """Images and their nearest, in no promised order."""

    first: Int64[np.ndarray, " M"]
    second: Int64[np.ndarray, " M"]
    way: Int64[np.ndarray, " M"]
    """Index of the description of the second, or of the first where the second has one only, that was nearest."""
    likeness: Float32[np.ndarray, " M"]
    """Product of the two descriptions."""


class Nearest:
    """A search among images that are each described in one or several ways, as turned by quarters."""

    def __init__(self, ways: Sequence[Float32[np.ndarray, "N D"]]) -> None:
        self._count, self._ways = len(ways[0]), len(ways)
        self._index: Any = loaded_faiss().IndexFlatIP(ways[0].shape[1])
        for one in ways:
            self._index.add(np.ascontiguousarray(one))

    def of_each(
        self, ways: Sequence[Float32[np.ndarray, "N D"]], most: int, least: float, progress: Progress = SILENT
    ) -> NearestPairs:
        """Return the `most` nearest others of each image, the nearest over all ways, none below `least`."""
        found = []
        with progress.bar("Comparing images", self._count, "images") as advance:
            for start in range(0, self._count, ROWS):
                some = [one[start : start + ROWS] for one in ways]
                found.append(self._of_some(some, start, min(most, self._count - 1), least))
                advance(len(some[0]))
        return NearestPairs(*(np.concatenate(column) for column in zip(*found, strict=True)))

    def _of_some(self, ways: Sequence[np.ndarray], start: int, most: int, least: float) -> NearestPairs:
        # An image may come in each of its ways, and finds itself: so many of them hold the nearest others.
        wanted = min((most + 1) * self._ways, self._count * self._ways)
        likeness, places = self._index.search(np.concatenate(ways), wanted)
        count = len(ways[0])
        rows = np.tile(np.arange(start, start + count), len(ways))
        first = np.repeat(rows, wanted)
        way, second = np.divmod(places.ravel(), self._count)
        if len(ways) > 1:
            way = np.repeat(np.arange(len(ways)), count * wanted)
        likeness = likeness.ravel()
        kept = (second != first) & (likeness >= least)
        first, second, way, likeness = (column[kept] for column in (first, second, way, likeness))
        # The best way of each pair, then the nearest of each image.
        best = np.lexsort((way, -likeness, second, first))
        pairs = first[best] * self._count + second[best]
        best = best[np.flatnonzero(np.diff(pairs, prepend=-1))]
        best = best[np.lexsort((second[best], -likeness[best], first[best]))]
        starts = np.searchsorted(first[best], first[best])
        best = best[np.arange(len(best)) - starts < most]
        return NearestPairs(first[best], second[best], way[best], likeness[best])


def loaded_faiss() -> Any:  # noqa: ANN401 - made of C++ by SWIG: its signatures are not those that type checkers find
    """Return the package, with as many threads as the program may use."""
    faiss = import_module("faiss")
    threads = requested_threads() or available_processors()
    faiss.omp_set_num_threads(min(threads, faiss.omp_get_max_threads()))  # the latter heeds $OMP_NUM_THREADS
    return faiss
