"""Squares -> the nearest others of each in any of the eight symmetries of the square, none missed.

Two things make it quicker than the products of each square with all turns of every other. Split by what is even and odd
under the two flips, a square's eight turns hold the same four parts, some transposed and with other signs: eight short
products give the correlations of all eight turns (384 multiplications in place of 2,048). And most pairs are ruled out
by the first principal components: what the rest of two squares adds is at most the product of their lengths
(Cauchy-Schwarz). Only pairs that may still be among the nearest are computed in full.

Legend of shapes: N images, s side of a square, D = s^2 values, Q images whose nearest are searched, B images they are
compared with, M pairs, k parts' principal components.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64, Shaped

from attnmel.data.audit.search.bounded_search import BoundedSearch
from attnmel.data.audit.search.nearest import NearestPairs

KEPT = 0.97
"""Share of the squares' energy in the components that all pairs are compared by."""

COLUMNS = 256
"""Squares in a block: products with some rows stay in the processor's cache."""

TIMES = (1, 1, 1, 1, 2)
"""Parts of a square that share their axes, for each set of axes."""

SLACK = np.float32(1e-5)
"""Rounding of the products."""

TRANSPOSED = np.array([False, True, False, True, False, True, False, True])
"""Whether each of the symmetries (see `turned`) is flips after a transposition, or flips alone."""
ACROSS = np.array([1, 1, -1, -1, -1, 1, 1, -1], dtype=np.float32)
"""-1 where it flips columns."""
DOWN = np.array([1, -1, -1, 1, 1, 1, -1, -1], dtype=np.float32)
"""-1 where it flips rows."""


@dataclass(frozen=True)
class FlipParts:
    """Squares by their behaviour under flips, each part in orthonormal coordinates, most energy first."""

    both: Float32[np.ndarray, "*some"]
    """Even under both flips, and symmetric; the next three by the same properties."""
    both_skew: Float32[np.ndarray, "*same"]
    neither: Float32[np.ndarray, "*of_these"]
    neither_skew: Float32[np.ndarray, "*of_others"]
    across: Float32[np.ndarray, "*last"]
    """Odd when columns are flipped."""
    down: Float32[np.ndarray, "*last"]
    """Odd when rows are flipped, transposed: a transposition exchanges it with `across`."""


def flip_parts(squares: Float32[np.ndarray, "N s s"]) -> FlipParts:
    """Split squares of an even side; products of all parts together are the products of the squares."""
    half = squares.shape[1] // 2
    upper, lower = squares[:, :half], squares[:, : half - 1 : -1]
    even, odd = upper + lower, upper - lower
    quarters = [one[:, :, :half] + sign * one[:, :, : half - 1 : -1] for one in (even, odd) for sign in (1, -1)]
    both, across, down, neither = (one / 2 for one in quarters)
    first, second = np.triu_indices(half)
    scale = np.where(first == second, 0.5, np.sqrt(0.5)).astype(np.float32)

    def by_transposition(one: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        turned = one.transpose(0, 2, 1)
        even, odd = ((part[:, first, second] * scale) for part in (one + turned, one - turned))
        return even, odd[:, first < second]

    (both, both_skew), (neither, neither_skew) = by_transposition(both), by_transposition(neither)
    across, down = (one.reshape(len(squares), -1) for one in (across, down.transpose(0, 2, 1)))
    return FlipParts(both, both_skew, neither, neither_skew, across, down)


class TurnedNearest(BoundedSearch[FlipParts]):
    """A search among whole frames, for frames or views of them that may be turned by quarters and mirrored."""

    def __init__(self, squares: Shaped[np.ndarray, "N s s"], kept: float = KEPT) -> None:
        energies = [np.zeros(())] * len(TIMES)
        for some in _in_chunks(squares):
            energies = [sofar + own for sofar, own in zip(energies, _energies(flip_parts(some)), strict=True)]
        self._axes, shares = zip(*map(_axes, energies, TIMES), strict=True)
        order = np.sort(np.concatenate([np.repeat(one, times) for one, times in zip(shares, TIMES, strict=True)]))[::-1]
        least = order[min(np.searchsorted(np.cumsum(order), kept * order.sum()), len(order) - 1)]
        self._counts = [int((one >= least).sum()) for one in shares]
        self._ends = np.cumsum([*map(len, self._axes), len(self._axes[-1])])[:-1]
        # One row to fetch for each pair.
        self._every = np.empty((len(squares), squares[0].size), dtype=np.float32)
        self._few: list[FlipParts] = []
        for start, some in zip(range(0, len(squares), COLUMNS), _in_chunks(squares), strict=True):
            every = self._rotated(flip_parts(some))
            np.concatenate(list(vars(every).values()), axis=1, out=self._every[start : start + COLUMNS])
            few = vars(self._shortened(every)).values()
            self._few.append(FlipParts(*(np.ascontiguousarray(one.T) for one in few)))

    @property
    def _blocks(self) -> int:
        return len(self._few)

    def _query(self, rows: Float32[np.ndarray, "Q s s"]) -> FlipParts:
        return self._rotated(flip_parts(rows))

    def _reaching(self, query: FlipParts, blocks: range, bounds: Float32[np.ndarray, " Q"]) -> NearestPairs:
        first, second = self._possible(self._shortened(query), blocks, bounds)
        return NearestPairs(first, second, *self._exact(query, first, second))

    def _possible(
        self, few: FlipParts, block: range, bounds: Float32[np.ndarray, " Q"]
    ) -> tuple[Int64[np.ndarray, " M"], Int64[np.ndarray, " M"]]:
        """Return the pairs that may reach the bounds."""
        firsts, seconds = [], []
        for number in range(block.start, block.stop):
            most = _most(few, self._few[number])
            first, second = np.divmod(np.flatnonzero(most >= bounds[:, None] - SLACK), most.shape[1])
            firsts.append(first)
            seconds.append(second + number * COLUMNS)
        return np.concatenate(firsts), np.concatenate(seconds)

    def _exact(
        self, queries: FlipParts, first: Int64[np.ndarray, " M"], second: Int64[np.ndarray, " M"]
    ) -> tuple[Int64[np.ndarray, " M"], Float32[np.ndarray, " M"]]:
        """Return the turn of the second of each pair that is nearest to the first, and its correlation."""
        way, likeness = np.empty(len(first), dtype=np.int64), np.empty(len(first), dtype=np.float32)
        every = np.concatenate(list(vars(queries).values()), axis=1)
        for start in range(0, len(first), COLUMNS):
            some = slice(start, start + COLUMNS)
            one, other = (
                FlipParts(*np.split(np.take(rows, places[some], axis=0), self._ends, axis=1))
                for rows, places in ((every, first), (self._every, second))
            )
            products = [np.einsum("md,md->m", x, y) for x, y in _pairs(one, other)]
            turns = np.array(_turns(*products))
            way[some] = turns.argmax(axis=0)
            likeness[some] = turns.max(axis=0)
        return way, likeness

    def _rotated(self, plain: FlipParts) -> FlipParts:
        axes = (*self._axes, self._axes[-1])
        return FlipParts(*(one @ own for one, own in zip(vars(plain).values(), axes, strict=True)))

    def _shortened(self, every: FlipParts) -> FlipParts:
        """Keep the first components, and add the length of the others to the part that no turn changes."""
        values, counts = list(vars(every).values()), [*self._counts, self._counts[-1]]
        rest = sum(
            np.einsum("nd,nd->n", one[:, count:], one[:, count:]) for one, count in zip(values, counts, strict=True)
        )
        both, *others = (np.ascontiguousarray(one[:, :count]) for one, count in zip(values, counts, strict=True))
        return FlipParts(*(np.column_stack([both, np.sqrt(rest)]), *others))


def _in_chunks(squares: Shaped[np.ndarray, "N s s"]) -> Iterator[Float32[np.ndarray, "B s s"]]:
    for start in range(0, len(squares), COLUMNS):
        yield squares[start : start + COLUMNS].astype(np.float32)


def _energies(parts: FlipParts) -> list[np.ndarray]:
    """Return the sums of products of the values of each part; the last two parts share their axes."""
    *alone, across, down = ((one.T @ one).astype(np.float64) for one in vars(parts).values())
    return [*alone, across + down]


def _axes(energies: np.ndarray, times: int) -> tuple[Float32[np.ndarray, "k k"], np.ndarray]:
    """Return the principal axes, and the energy along each for each of the components that it stands for."""
    energy, axes = np.linalg.eigh(energies)
    return axes[:, ::-1].astype(np.float32), energy[::-1] / times


def _pairs(one: FlipParts, other: FlipParts) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    yield from zip(vars(one).values(), vars(other).values(), strict=True)
    yield one.across, other.down
    yield one.down, other.across


def _turns(*products: np.ndarray) -> list[np.ndarray]:
    """Return the correlation in each of the eight symmetries from the eight products of parts."""
    both, both_skew, neither, neither_skew, across, down, across_down, down_across = products
    upright = both + both_skew, neither + neither_skew, across, down
    transposed = both - both_skew, neither - neither_skew, across_down, down_across
    found = []
    for is_transposed, columns, rows in zip(TRANSPOSED, ACROSS, DOWN, strict=True):
        even, odd, left, up = transposed if is_transposed else upright
        found.append(even + columns * rows * odd + columns * left + rows * up)
    return found


def _most(few: FlipParts, others: FlipParts) -> Float32[np.ndarray, "Q B"]:
    """Return the most that the correlation may be in the best of eight symmetries: as `_turns`, with fewer passes.

    The others come in columns.
    """
    products = [one @ other for one, other in _pairs(few, others)]
    both, both_skew, neither, neither_skew, across, down, across_down, down_across = products
    upright = _best_flip(neither + neither_skew, across, down)
    upright += both
    upright += both_skew
    neither -= neither_skew
    transposed = _best_flip(neither, across_down, down_across)
    both -= both_skew
    transposed += both
    return np.maximum(upright, transposed, out=upright)


def _best_flip(odd: np.ndarray, left: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Return the largest of odd + left + up and what its flips make of it; the arguments are spoilt."""
    apart = left - up
    left += up
    np.abs(left, out=left)
    np.abs(apart, out=apart)
    left += odd
    apart -= odd
    return np.maximum(left, apart, out=left)
