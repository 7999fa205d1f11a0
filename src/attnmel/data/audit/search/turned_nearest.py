"""Squares -> the nearest others of each in any of the eight symmetries of the square, none missed.

Three things make it quicker than the products of each square with all turns of every other. Eight short products of
parts give the correlations of all eight turns (`flip_parts`: 384 multiplications in place of 2,048). Most pairs are
ruled out by the first principal components: what the rest of two squares adds is at most the product of their lengths
(Cauchy-Schwarz), and only pairs that may still be among the nearest are computed in full. And squares are searched in
the order of that length, so that smooth ones, which few components describe, are together and compared by few.

Legend of shapes: N images, s side of a square, D = s^2 values, Q images whose nearest are searched, B images they are
compared with, M pairs, L levels of detail, k parts' principal components.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np
from jaxtyping import Float32, Int64, Shaped

from attnmel.data.audit.search.bounded_search import COLUMNS, SLACK, BoundedSearch
from attnmel.data.audit.search.flip_parts import (
    ROOM,
    TIMES,
    FlipParts,
    best_correlation,
    correlations,
    flip_parts,
    pairs_of_parts,
    products_of_parts,
)
from attnmel.data.audit.search.nearest import NearestPairs

KEPT = (0.8, 0.85, 0.9, 0.93, 0.95, 0.97)
"""Share of the squares' energy in the components that pairs are compared by, for each level of detail."""

FEW, MANY = 0.0012, 0.005
"""Shares of pairs that may still be near, below which the next squares are compared by less, above which by more."""

TOGETHER = 512
"""Pairs that are computed in full at once: they stay in the processor's cache."""


@dataclass
class SquareQuery:
    """Squares to search for, and the level of detail at which the last block was compared."""

    every: FlipParts
    rows: Float32[np.ndarray, "Q D"]
    few: list[FlipParts]
    level: int
    room: Float32[np.ndarray, "11 Q B"]
    """For the products with a block."""
    pairs: Float32[np.ndarray, "2 M D"]
    """Room for pairs that are computed in full."""


class TurnedNearest(BoundedSearch[SquareQuery]):
    """A search among whole frames, for frames or views of them that may be turned by quarters and mirrored."""

    def __init__(self, squares: Shaped[np.ndarray, "N s s"], kept: tuple[float, ...] = KEPT) -> None:
        energies = [np.zeros(())] * len(TIMES)
        for some in _in_chunks(squares):
            energies = [sofar + own for sofar, own in zip(energies, _energies(flip_parts(some)), strict=True)]
        self._axes, shares = zip(*map(_axes, energies, TIMES), strict=True)
        self._counts = [_counts(shares, one) for one in kept]
        self._ends = np.cumsum([*map(len, self._axes), len(self._axes[-1])])[:-1]
        super().__init__(self._searched_order(squares))
        # One row to fetch for each pair.
        self._every = np.empty((len(squares), squares[0].size), dtype=np.float32)
        self._few: list[list[FlipParts]] = []
        for start in range(0, len(squares), COLUMNS):
            some = squares[self._order[start : start + COLUMNS]].astype(np.float32)
            rows = np.concatenate(
                self._rotated(flip_parts(some)).values(), axis=1, out=self._every[start : start + len(some)]
            )
            self._few.append(_levels_in_columns(self._shortened(self._split(rows))))

    def _searched_order(self, queries: Shaped[np.ndarray, "N s s"]) -> Int64[np.ndarray, " N"]:
        counts = self._counts[len(self._counts) // 2]
        rest = [_rest(self._rotated(flip_parts(some)).values(), counts) for some in _in_chunks(queries)]
        return np.argsort(np.concatenate(rest), kind="stable")

    def _query(self, rows: Float32[np.ndarray, "Q s s"]) -> SquareQuery:
        every = self._rotated(flip_parts(rows))
        values = np.concatenate(every.values(), axis=1)
        return SquareQuery(
            every,
            values,
            self._shortened(every),
            len(self._counts) // 2,
            np.empty((ROOM, len(rows), COLUMNS), dtype=np.float32),
            np.empty((2, TOGETHER, values.shape[1]), dtype=np.float32),
        )

    def _in_full(self, query: SquareQuery, places: Int64[np.ndarray, " B"]) -> Float32[np.ndarray, "Q B"]:
        room = np.empty((ROOM, len(query.rows), len(places)), dtype=np.float32)
        products_of_parts(query.every, _columns(self._split(self._every[places])), room)
        return best_correlation(room)

    def _reaching(self, query: SquareQuery, blocks: range, bounds: Float32[np.ndarray, " Q"]) -> NearestPairs:
        first, second = self._possible(query, blocks, bounds)
        products = self._products(query, first, second)
        turns = correlations(*products)
        best = reduce(np.maximum, turns)
        # The turn is found only for pairs that reach the bounds, which most do not.
        near = np.flatnonzero(best >= bounds[first])
        way = np.argmax([one[near] for one in turns], axis=0)
        return NearestPairs(first[near], second[near], way, best[near])

    def _possible(
        self, query: SquareQuery, blocks: range, bounds: Float32[np.ndarray, " Q"]
    ) -> tuple[Int64[np.ndarray, " M"], Int64[np.ndarray, " M"]]:
        """Return the pairs that may reach the bounds."""
        firsts, seconds = [], []
        for one in query.few:
            one.both[:, -1] = SLACK - bounds
        for number in blocks:
            columns = self._few[number][query.level]
            here = query.room[:, :, : columns.both.shape[1]]
            products_of_parts(query.few[query.level], columns, here)
            places = np.flatnonzero(best_correlation(here) >= 0)
            first, second = np.divmod(places, here.shape[2])
            firsts.append(first)
            seconds.append(second + number * COLUMNS)
            share = len(places) / here[0].size
            query.level = min(max(query.level + (share > MANY) - (share < FEW), 0), len(self._counts) - 1)
        return np.concatenate(firsts), np.concatenate(seconds)

    def _products(
        self, query: SquareQuery, first: Int64[np.ndarray, " M"], second: Int64[np.ndarray, " M"]
    ) -> Float32[np.ndarray, "8 M"]:
        """Return the products of all components of pairs."""
        products = np.empty((8, len(first)), dtype=np.float32)
        for start in range(0, len(first), TOGETHER):
            some = slice(start, start + TOGETHER)
            one, other = (
                self._split(np.take(rows, places[some], axis=0, out=here[: len(places[some])], mode="clip"))
                for here, rows, places in zip(query.pairs, (query.rows, self._every), (first, second), strict=True)
            )
            for out, (x, y) in zip(products, pairs_of_parts(one, other), strict=True):
                np.einsum("md,md->m", x, y, out=out[some])
        return products

    def _split(self, rows: Float32[np.ndarray, "M D"]) -> FlipParts:
        return FlipParts(*np.split(rows, self._ends, axis=1))

    def _rotated(self, plain: FlipParts) -> FlipParts:
        axes = (*self._axes, self._axes[-1])
        return FlipParts(*(one @ own for one, own in zip(plain.values(), axes, strict=True)))

    def _shortened(self, every: FlipParts) -> list[FlipParts]:
        """Keep the first components, more at each level; no turn changes the part to which two columns are added.

        They are the length of what the level leaves out, and ones: a query has what is to be reached there.
        """
        values, few = every.values(), []
        longest = [np.ascontiguousarray(one[:, :count]) for one, count in zip(values, self._counts[-1], strict=True)]
        for counts in self._counts:
            both, *others = (one[:, :count] for one, count in zip(longest, counts, strict=True))
            rest = _rest(values, counts)
            few.append(FlipParts(np.column_stack([both, rest, np.ones_like(rest)]), *others))
        return few


def _columns(rows: FlipParts) -> FlipParts:
    return FlipParts(*(np.ascontiguousarray(one.T) for one in rows.values()))


def _levels_in_columns(few: list[FlipParts]) -> list[FlipParts]:
    """Turn the levels of detail; they share the memory of the finest, but for the part with the rest's length."""
    finest = _columns(few[-1]).values()
    return [
        FlipParts(
            np.ascontiguousarray(one.both.T),
            *(part[: own.shape[1]] for part, own in zip(finest[1:], one.values()[1:], strict=True)),
        )
        for one in few
    ]


def _in_chunks(squares: Shaped[np.ndarray, "N s s"]) -> Iterator[Float32[np.ndarray, "B s s"]]:
    for start in range(0, len(squares), COLUMNS):
        yield squares[start : start + COLUMNS].astype(np.float32)


def _energies(parts: FlipParts) -> list[np.ndarray]:
    """Return the sums of products of the values of each part; the last two parts share their axes."""
    *alone, across, down = ((one.T @ one).astype(np.float64) for one in parts.values())
    return [*alone, across + down]


def _axes(energies: np.ndarray, times: int) -> tuple[Float32[np.ndarray, "k k"], np.ndarray]:
    """Return the principal axes, and the energy along each for each of the components that it stands for."""
    energy, axes = np.linalg.eigh(energies)
    return axes[:, ::-1].astype(np.float32), energy[::-1] / times


def _counts(shares: tuple[np.ndarray, ...], kept: float) -> list[int]:
    """Return how many components of each part hold a share of the energy together."""
    order = np.sort(np.concatenate([np.repeat(one, times) for one, times in zip(shares, TIMES, strict=True)]))[::-1]
    least = order[min(np.searchsorted(np.cumsum(order), kept * order.sum()), len(order) - 1)]
    counts = [int((one >= least).sum()) for one in shares]
    return [*counts, counts[-1]]


def _rest(values: list[np.ndarray], counts: list[int]) -> Float32[np.ndarray, " N"]:
    """Return the length of all but the first components."""
    rests = (one[:, count:] for one, count in zip(values, counts, strict=True))
    return np.sqrt(sum(np.einsum("nd,nd->n", rest, rest) for rest in rests))
