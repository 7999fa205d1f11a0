"""Descriptions of images in several ways -> the nearest others of each, over all ways, by products with all of them.

Legend of shapes: N images, Q images whose nearest are searched, D values of a description.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from attnmel.data.audit.search.bounded_search import BoundedSearch
from attnmel.data.audit.search.nearest import NearestPairs

COLUMNS = 128
"""Images in a block: products with some rows stay in the processor's cache."""

Rows = Float32[np.ndarray, "Q D"]


class WaysNearest(BoundedSearch[Rows]):
    """A search among images that are each described in several ways, as turned by quarters."""

    def __init__(self, ways: Sequence[Float32[np.ndarray, "N D"]]) -> None:
        starts = range(0, len(ways[0]), COLUMNS)
        self._columns = [[np.ascontiguousarray(one[at : at + COLUMNS].T) for one in ways] for at in starts]

    @property
    def _blocks(self) -> int:
        return len(self._columns)

    def _query(self, rows: Rows) -> Rows:
        return rows

    def _reaching(self, query: Rows, blocks: range, bounds: Float32[np.ndarray, " Q"]) -> NearestPairs:
        found = []
        for number in blocks:
            products = [query @ one for one in self._columns[number]]
            best = products[0].copy()
            for one in products[1:]:
                np.maximum(best, one, out=best)
            places = np.flatnonzero(best >= bounds[:, None])
            first, second = np.divmod(places, best.shape[1])
            way = np.argmax([one.ravel()[places] for one in products], axis=0)
            found.append((first, second + number * COLUMNS, way, best.ravel()[places]))
        return NearestPairs(*map(np.concatenate, zip(*found, strict=True)))
