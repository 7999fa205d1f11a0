"""Images -> the nearest others of each, some rows and columns at a time, within bounds that only become narrower.

Legend of shapes: N images, Q images whose nearest are searched, M pairs, k values.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Generic, TypeVar

import numpy as np
from jaxtyping import Float32, Shaped

from attnmel.data.audit.chunks import threads
from attnmel.data.audit.search.nearest import NearestPairs
from attnmel.progress import SILENT, Progress

ROWS = 512
"""Images whose nearest are searched at once: products with some columns stay in the processor's cache."""

BLOCKS = 32
"""Blocks of columns after which the bounds are made narrower: at first after each, then after twice as many."""

Query = TypeVar("Query")


class BoundedSearch(ABC, Generic[Query]):
    """A search of the nearest of each image, which a subclass does for some rows and blocks of columns."""

    def of_each(
        self, queries: Shaped[np.ndarray, "N *shape"], most: int, least: float, progress: Progress = SILENT
    ) -> NearestPairs:
        """Return the `most` nearest others of each, in the way that is nearest, none below `least`."""

        def some(start: int) -> NearestPairs:
            rows = queries[start : start + ROWS].astype(np.float32)
            return self._of_some(self._query(rows), start, np.full(len(rows), least, dtype=np.float32), most)

        found, count = [], len(queries)
        with threads() as pool, progress.bar("Comparing images", count, "images") as advance:
            for start, one in zip(range(0, count, ROWS), pool.map(some, range(0, count, ROWS)), strict=True):
                found.append(one)
                advance(min(ROWS, count - start))
        return NearestPairs(*(np.concatenate(column) for column in zip(*found, strict=True)))

    @property
    @abstractmethod
    def _blocks(self) -> int:
        """How many blocks of columns there are."""

    @abstractmethod
    def _query(self, rows: Float32[np.ndarray, "Q *shape"]) -> Query:
        """Prepare some images to be searched for."""

    @abstractmethod
    def _reaching(self, query: Query, blocks: range, bounds: Float32[np.ndarray, " Q"]) -> NearestPairs:
        """Return the pairs of some blocks of columns that reach the bounds, perhaps with some that do not."""

    def _of_some(self, query: Query, start: int, bounds: Float32[np.ndarray, " Q"], most: int) -> NearestPairs:
        least = bounds.copy()
        nearest = NearestPairs(*(np.empty(0, dtype=kind) for kind in (np.int64, np.int64, np.int64, np.float32)))
        for blocks in _ranges(self._blocks):
            found = self._reaching(query, blocks, bounds)
            found = _rows(found, start + found.first != found.second)
            nearest = _nearest(NearestPairs(*map(np.concatenate, zip(nearest, found, strict=True))), most, least)
            full = np.flatnonzero(np.bincount(nearest.first, minlength=len(bounds)) == most)
            bounds[full] = nearest.likeness[np.searchsorted(nearest.first, full, side="right") - 1]
        return nearest._replace(first=nearest.first + start)


def _nearest(found: NearestPairs, most: int, least: Float32[np.ndarray, " Q"]) -> NearestPairs:
    """Return the nearest of each first, by falling likeness, and of equal ones those that came first."""
    found = _rows(found, found.likeness >= least[found.first])
    # One number to sort by is quicker than two: no product of unit vectors is above 2, nor below -2.
    found = _rows(found, np.argsort(4.0 * found.first - found.likeness, kind="stable"))
    return _rows(found, np.arange(len(found.first)) - np.searchsorted(found.first, found.first) < most)


def _rows(found: NearestPairs, rows: np.ndarray) -> NearestPairs:
    return NearestPairs(*(column[rows] for column in found))


def _ranges(count: int) -> Iterator[range]:
    start, size = 0, 1
    while start < count:
        yield range(start, min(start + size, count))
        start, size = start + size, min(2 * size, BLOCKS)
