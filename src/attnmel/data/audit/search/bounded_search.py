"""Images -> the nearest others of each, some rows and columns at a time, within bounds that only become narrower.

Legend of shapes: N images, Q images whose nearest are searched, M pairs, k values.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

import numpy as np
from jaxtyping import Float32, Int64, Shaped

from attnmel.data.audit.chunks import threads
from attnmel.data.audit.search.nearest import NearestPairs
from attnmel.progress import SILENT, Progress

ROWS = 256
"""Images whose nearest are searched at once: products with some columns stay in the processor's cache."""

COLUMNS = 128
"""Images in a block that they are compared with."""

START = 256
"""Columns that are compared in full first, for bounds to begin with."""

BLOCKS = 64
"""Blocks of columns after which the bounds are made narrower: at first after each, then after twice as many."""

SLACK = np.float32(1e-5)
"""Rounding of the products."""

Query = TypeVar("Query")


class BoundedSearch(ABC, Generic[Query]):
    """A search of the nearest of each image, which a subclass does for some rows and blocks of columns.

    `order` are the images in the columns. `blocks` is the number of blocks of columns (by default of `COLUMNS` images
    each), `rows` the number of images that are searched at once.
    """

    def __init__(self, order: Int64[np.ndarray, " N"], blocks: int | None = None, rows: int | None = None) -> None:
        self._order, self._rows = order, rows or ROWS
        self._blocks = blocks or -(-len(order) // COLUMNS)

    def of_each(
        self, queries: Shaped[np.ndarray, "N *shape"], most: int, least: float, progress: Progress = SILENT
    ) -> NearestPairs:
        """Return the `most` nearest others of each, in the way that is nearest, none below `least`; by the first."""
        order = self._searched_order(queries)

        def some(start: int) -> NearestPairs:
            rows = order[start : start + self._rows]
            query = self._query(queries[rows].astype(np.float32))
            return self._of_some(query, rows, np.full(len(rows), least, dtype=np.float32), most)

        found, count = [], len(queries)
        with threads() as pool, progress.bar("Comparing images", count, "images") as advance:
            starts = range(0, count, self._rows)
            for start, one in zip(starts, self._mapped(pool, some, starts), strict=True):
                found.append(one)
                advance(min(self._rows, count - start))
        every = NearestPairs(*(np.concatenate(column) for column in zip(*found, strict=True)))
        return _rows(every, np.argsort(every.first, kind="stable"))

    def _mapped(
        self, pool: ThreadPoolExecutor, some: Callable[[int], NearestPairs], starts: range
    ) -> Iterator[NearestPairs]:
        """Yield the nearest of some images after those of others, in the threads of the pool."""
        yield from pool.map(some, starts)

    def _searched_order(self, queries: Shaped[np.ndarray, "N *shape"]) -> Int64[np.ndarray, " N"]:
        """Return the order of images in which they are searched for: those that are alike together."""
        return np.arange(len(queries))

    @abstractmethod
    def _query(self, rows: Float32[np.ndarray, "Q *shape"]) -> Query:
        """Prepare some images to be searched for."""

    @abstractmethod
    def _in_full(self, query: Query, places: Int64[np.ndarray, " B"]) -> Float32[np.ndarray, "Q B"]:
        """Return the likeness of all pairs with some columns."""

    @abstractmethod
    def _reaching(self, query: Query, blocks: range, bounds: Float32[np.ndarray, " Q"]) -> NearestPairs:
        """Return the pairs of columns, in some blocks, that reach the bounds, perhaps with some that do not."""

    def _of_some(
        self, query: Query, rows: Int64[np.ndarray, " Q"], least: Float32[np.ndarray, " Q"], most: int
    ) -> NearestPairs:
        bounds = self._first_bounds(query, rows, least, most)
        nearest = NearestPairs(*(np.empty(0, dtype=kind) for kind in (np.int64, np.int64, np.int64, np.float32)))
        for blocks in _ranges(self._blocks):
            found = self._reaching(query, blocks, bounds)
            found = found._replace(second=self._order[found.second])
            found = _rows(found, (rows[found.first] != found.second) & (found.likeness >= bounds[found.first]))
            nearest = nearest_of_each(NearestPairs(*map(np.concatenate, zip(nearest, found, strict=True))), most)
            full = np.flatnonzero(np.bincount(nearest.first, minlength=len(bounds)) == most)
            reached = nearest.likeness[np.searchsorted(nearest.first, full, side="right") - 1]
            bounds[full] = np.maximum(bounds[full], reached)
        return nearest._replace(first=rows[nearest.first])

    def _first_bounds(
        self, query: Query, rows: Int64[np.ndarray, " Q"], least: Float32[np.ndarray, " Q"], most: int
    ) -> Float32[np.ndarray, " Q"]:
        """Return what the nearest reach at least: that many of some columns, spread over all, do."""
        places = np.unique(np.linspace(0, len(self._order) - 1, START).astype(np.int64))
        if len(places) <= most:
            return least.copy()
        likeness = self._in_full(query, places)
        likeness[self._order[places] == rows[:, None]] = -np.inf
        return np.maximum(least, np.partition(likeness, -most, axis=1)[:, -most] - SLACK)


def nearest_of_each(found: NearestPairs, most: int) -> NearestPairs:
    """Return the nearest of each first, by falling likeness, and of equal ones those of the lowest rows."""
    # One number to sort by is quicker than two: no product of unit vectors is above 2, nor below -2.
    found = _rows(found, np.lexsort((found.second, 4.0 * found.first - found.likeness)))
    return _rows(found, np.arange(len(found.first)) - np.searchsorted(found.first, found.first) < most)


def _rows(found: NearestPairs, rows: np.ndarray) -> NearestPairs:
    return NearestPairs(*(column[rows] for column in found))


def _ranges(count: int) -> Iterator[range]:
    start, size = 0, 1
    while start < count:
        yield range(start, min(start + size, count))
        start, size = start + size, min(2 * size, BLOCKS)
