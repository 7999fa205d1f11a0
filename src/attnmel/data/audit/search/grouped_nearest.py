"""Descriptions of many images in several ways -> the nearest others of each, among the members of groups near it.

To compare each image with every other takes time in proportion to the square of their number. Here similar images are
in a group, and there are as many groups as some times the root of the number of images. An image is compared with the
centres of all groups, and with the members of the nearest, of which there are some times that root as well: so the work
grows as the number to the power 1.5. A neighbour is missed where its group is not among those.

Legend of shapes: N images, Q images whose nearest are searched, W ways, R rows (Q W: the ways of an image one after
another), D values of a description, k along the axes that are compared first, t with two more, G groups, M pairs.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import numpy as np
from jaxtyping import Float32, Int64, Shaped

from attnmel.data.audit.search.bounded_search import SLACK, BoundedSearch, nearest_of_each
from attnmel.data.audit.search.nearest import NearestPairs, loaded_faiss

GROUPS = 16
"""Groups, over the root of the number of images."""

PASSES = 3
"""Of k-means, and of finding the way in which an image is most like the others."""

SEED = 0
"""Of k-means: the same images are in the same groups each time."""

KEPT = 0.93
"""Share of the energy along the axes that images are compared by before they are compared in full."""

CENTRE_AXES = 48
"""Of those axes the first ones, which centres are compared by."""

QUERIES = 8192
"""Images whose nearest are searched at once. Each group is taken up once for all of them, and has few members."""

BLOCK = 32
"""Groups in a block."""

SAMPLE = 128
"""Groups from which the likeness of the nearest groups is estimated."""

PRODUCTS = 1 << 17
"""Pairs that are compared along the axes at once."""

FEWEST = 8
"""Members as which smaller groups count for that."""

TOGETHER = 512
"""Pairs that are compared in full at once: they stay in the processor's cache."""

Ways = Callable[[Shaped[np.ndarray, "Q *shape"]], Float32[np.ndarray, "Q W D"]]
"""Returns descriptions in every way, the first as they are."""


@dataclass
class GroupQuery:
    """Images to search for, each in all its ways."""

    every: Float32[np.ndarray, "Q W D"]
    axes: Float32[np.ndarray, "_ R"]
    """Along the axes that centres are compared by."""
    short: Float32[np.ndarray, "R t"]
    """Along all axes, then the length of the rest, and what is to be reached."""
    near: Float32[np.ndarray, " R"]
    """Likeness of a centre from which on its group is near."""


@dataclass
class Room:
    """Memory of a thread that is written again for each group: new pages take longer than the products."""

    centres: Float32[np.ndarray, "B R"]
    short: Float32[np.ndarray, "S t"]
    products: Float32[np.ndarray, " P"]


class GroupedNearest(BoundedSearch[GroupQuery]):
    """A search among images that are described in several ways, those of each turn of the picture, say.

    `compared` is how many others each way of an image is compared with, over the root of the number of images. Those
    found are the nearest of all ways of the two; if that is not quite how near the second is in the best of its ways to
    the first as it is, `more` times as many are found, of which those are returned that are nearest so.
    """

    def __init__(self, images: Shaped[np.ndarray, "N *shape"], ways: Ways, compared: float, *, more: int = 1) -> None:
        self._images, self._ways, self._more = images, ways, more
        self._share = min(1, compared / len(images) ** 0.5)
        lying = self._lying()
        self._axes = _axes(lying)
        along = lying @ self._axes
        self._centres, groups = _groups(along[:, :CENTRE_AXES], round(GROUPS * len(images) ** 0.5))
        order = np.argsort(groups, kind="stable")
        self._ends = np.searchsorted(groups[order], np.arange(len(self._centres) + 1)).tolist()
        super().__init__(order, -(-len(self._centres) // BLOCK), QUERIES)
        self._every = lying[order]
        self._short = _short(self._every, along[order])

    def _lying(self) -> Float32[np.ndarray, "N D"]:
        """Return each image in the way in which it is most like the mean of all, so that more of them are alike."""
        spread = np.linspace(0, len(self._images) - 1, min(len(self._images), QUERIES)).astype(np.int64)
        some = self._in_ways(self._images[spread])
        mean = some[:, 0].mean(axis=0)
        for _ in range(PASSES):
            mean = _most_like(mean, some).mean(axis=0)
        lying = np.empty((len(self._images), len(mean)), dtype=np.float32)
        for start in range(0, len(lying), TOGETHER):
            part = slice(start, start + TOGETHER)
            lying[part] = _most_like(mean, self._in_ways(self._images[part]))
        return lying

    def _in_ways(self, images: Shaped[np.ndarray, "Q *shape"]) -> Float32[np.ndarray, "Q W D"]:
        return self._ways(images.astype(np.float32))

    def _mapped(
        self, pool: ThreadPoolExecutor, some: Callable[[int], NearestPairs], starts: range
    ) -> Iterator[NearestPairs]:
        # All threads work for the same images, which are so many that each group is worth the look.
        self._pool = pool
        yield from map(some, starts)

    def _query(self, rows: Float32[np.ndarray, "Q *shape"]) -> GroupQuery:
        every = self._ways(rows)
        flat = every.reshape(-1, every.shape[2])
        along = flat @ self._axes
        axes = np.ascontiguousarray(along[:, :CENTRE_AXES].T)
        near = self._near(axes.T.reshape(*every.shape[:2], -1))
        return GroupQuery(every, axes, _short(flat, along), np.repeat(near, every.shape[1]))

    def _near(self, along: Float32[np.ndarray, "Q W _"]) -> Float32[np.ndarray, " Q"]:
        """Return how near groups are that together have as many members as an image is to be compared with."""
        likeness = (along @ self._centres[:SAMPLE].T).reshape(len(along), -1)
        rank = max(1, round(self._share * likeness.shape[1]))
        return np.partition(likeness, -rank, axis=1)[:, -rank]

    def _in_full(self, query: GroupQuery, places: Int64[np.ndarray, " B"]) -> Float32[np.ndarray, "Q B"]:
        columns = self._every[places].T

        def some(start: int) -> Float32[np.ndarray, "_ B"]:
            every = query.every[start : start + BLOCK]
            return (every.reshape(-1, every.shape[2]) @ columns).reshape(*every.shape[:2], -1).max(axis=1)

        return np.concatenate(list(self._pool.map(some, range(0, len(query.every), BLOCK))))

    def _reaching(self, query: GroupQuery, blocks: range, bounds: Float32[np.ndarray, " Q"]) -> NearestPairs:
        query.short[:, -1] = SLACK - np.repeat(bounds, query.every.shape[1])
        rooms: SimpleQueue[Room] = SimpleQueue()

        def some(block: int) -> NearestPairs:
            try:
                room = rooms.get_nowait()
            except Empty:
                room = self._room(len(query.short))
            first, second = self._of_block(query, block, room)
            rooms.put(room)
            return self._exact(query, first, second, bounds)

        found = list(self._pool.map(some, blocks))
        return NearestPairs(*map(np.concatenate, zip(*found, strict=True)))

    def _room(self, rows: int) -> Room:
        return Room(
            centres=np.empty((BLOCK, rows), dtype=np.float32),
            short=np.empty((min(rows, PRODUCTS // FEWEST), self._short.shape[1]), dtype=np.float32),
            products=np.empty(max(PRODUCTS, *np.diff(self._ends)), dtype=np.float32),
        )

    def _of_block(
        self, query: GroupQuery, block: int, room: Room
    ) -> tuple[Int64[np.ndarray, " M"], Int64[np.ndarray, " M"]]:
        """Return the rows, and the places of members of near groups in a block, whose bound may be reached."""
        centres = self._centres[block * BLOCK : (block + 1) * BLOCK]
        likeness = np.matmul(centres, query.axes, out=room.centres[: len(centres)])
        found = [np.empty((2, 0), dtype=np.int64)]
        for group, near in enumerate(likeness >= query.near, block * BLOCK):
            rows, start, stop = np.flatnonzero(near), self._ends[group], self._ends[group + 1]
            step = max(1, PRODUCTS // max(FEWEST, stop - start))
            for those in (rows[first : first + step] for first in range(0, len(rows), step)):
                short = np.take(query.short, those, axis=0, out=room.short[: len(those)], mode="clip")
                products = room.products[: len(those) * (stop - start)].reshape(len(those), stop - start)
                np.matmul(short, self._short[start:stop].T, out=products)
                first, second = np.divmod(np.flatnonzero(products >= 0), stop - start)
                found.append(np.stack([those[first], second + start]))
        first, second = np.concatenate(found, axis=1)
        return first, second

    def _exact(
        self,
        query: GroupQuery,
        rows: Int64[np.ndarray, " M"],
        second: Int64[np.ndarray, " M"],
        bounds: Float32[np.ndarray, " Q"],
    ) -> NearestPairs:
        """Return the pairs that reach the bounds, each in its best way only."""
        flat, first = query.every.reshape(-1, query.every.shape[2]), rows // query.every.shape[1]
        likeness = np.empty(len(rows), dtype=np.float32)
        for start in range(0, len(rows), TOGETHER):
            some = slice(start, start + TOGETHER)
            np.einsum("md,md->m", flat[rows[some]], self._every[second[some]], out=likeness[some])
        reaching = np.flatnonzero(likeness >= bounds[first])
        best = reaching[np.lexsort((-likeness[reaching], second[reaching], first[reaching]))]
        pairs = first[best] * len(self._order) + second[best]
        best = best[np.diff(pairs, prepend=-1) != 0]
        return NearestPairs(first[best], second[best], np.zeros_like(best), likeness[best])

    def _of_some(
        self, query: GroupQuery, rows: Int64[np.ndarray, " Q"], least: Float32[np.ndarray, " Q"], most: int
    ) -> NearestPairs:
        found = super()._of_some(query, rows, least, most * self._more)
        first = np.searchsorted(rows, found.first)
        for start in range(0, len(first), TOGETHER):
            some = slice(start, start + TOGETHER)
            every = self._in_ways(self._images[found.second[some]])
            likeness = np.einsum("md,mwd->mw", query.every[first[some], 0], every)
            found.way[some], found.likeness[some] = likeness.argmax(axis=1), likeness.max(axis=1)
        return nearest_of_each(found, most)


def _most_like(mean: Float32[np.ndarray, " D"], every: Float32[np.ndarray, "Q W D"]) -> Float32[np.ndarray, "Q D"]:
    """Return each image in the way that is most like a mean."""
    return every[np.arange(len(every)), (every @ mean).argmax(axis=1)]


def _axes(rows: Float32[np.ndarray, "N D"]) -> Float32[np.ndarray, "D k"]:
    """Return the principal axes with most of the energy, those with most first."""
    energy, axes = np.linalg.eigh((rows.T @ rows).astype(np.float64))
    share = np.cumsum(energy[::-1]) / max(energy.sum(), np.finfo(float).tiny)
    return np.ascontiguousarray(axes[:, ::-1][:, : np.searchsorted(share, KEPT) + 1], dtype=np.float32)


def _short(rows: Float32[np.ndarray, "R D"], along: Float32[np.ndarray, "R k"]) -> Float32[np.ndarray, "R t"]:
    """Return rows along the axes, then the length of the rest of each, and ones."""
    rest = np.einsum("rd,rd->r", rows, rows) - np.einsum("rk,rk->r", along, along)
    return np.column_stack([along, np.sqrt(rest.clip(0)), np.ones_like(rest)])


def _groups(rows: Float32[np.ndarray, "N _"], count: int) -> tuple[Float32[np.ndarray, "G _"], Int64[np.ndarray, " N"]]:
    """Return the centres of groups of similar rows, of unit length, and the group of each row."""
    rows = np.ascontiguousarray(rows)
    # By default k-means takes 256 rows a group at most, and warns of fewer than 39.
    limits = {"min_points_per_centroid": 1, "max_points_per_centroid": len(rows)}
    found = loaded_faiss().Kmeans(
        rows.shape[1], min(count, len(rows)), niter=PASSES, seed=SEED, spherical=True, **limits
    )
    found.train(rows)
    return found.centroids, found.index.search(rows, 1)[1][:, 0]
