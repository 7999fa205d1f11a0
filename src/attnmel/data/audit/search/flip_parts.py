"""Squares -> parts by which the correlations of two squares in all eight symmetries are sums of eight short products.

Split by what is even and odd under the two flips, a square's eight turns hold the same four parts, some transposed and
with other signs.

Legend of shapes: N images, s side of a square, M pairs, k values of a part.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

TIMES = (1, 1, 1, 1, 2)
"""Parts of a square that share their axes, for each set of axes."""

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

    def values(self) -> list[np.ndarray]:
        """Return the parts in their order."""
        return list(vars(self).values())


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


def pairs_of_parts(one: FlipParts, other: FlipParts) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the parts of two squares whose eight products give the correlations in all symmetries."""
    yield from zip(one.values(), other.values(), strict=True)
    yield one.across, other.down
    yield one.down, other.across


def correlations(*products: np.ndarray) -> list[np.ndarray]:
    """Return the correlation in each of the eight symmetries from the eight products of `pairs_of_parts`."""
    both, both_skew, neither, neither_skew, across, down, across_down, down_across = products
    upright = both + both_skew, neither + neither_skew, across, down
    transposed = both - both_skew, neither - neither_skew, across_down, down_across
    found = []
    for is_transposed, columns, rows in zip(TRANSPOSED, ACROSS, DOWN, strict=True):
        even, odd, left, up = transposed if is_transposed else upright
        found.append(even + columns * rows * odd + columns * left + rows * up)
    return found


ROOM = 11
"""Arrays that `best_correlation` works in."""


def products_of_parts(one: FlipParts, other: FlipParts, room: Float32[np.ndarray, "11 Q B"]) -> None:
    """Multiply the parts of squares in rows with those of others in columns, in the first nine of the arrays."""
    np.matmul(one.both, other.both, out=room[0])
    np.matmul(one.both_skew, other.both_skew, out=room[1])
    np.matmul(one.neither, other.neither, out=room[2])
    np.matmul(one.neither_skew, other.neither_skew, out=room[3])
    np.matmul(one.across, other.down, out=room[5])
    np.matmul(one.down, other.down, out=room[6])
    np.matmul(one.down, other.across, out=room[7])
    np.matmul(one.across, other.across, out=room[8])


def best_correlation(room: Float32[np.ndarray, "11 Q B"]) -> Float32[np.ndarray, "Q B"]:
    """Return the largest of `correlations` of what `products_of_parts` left, which is spoilt, in few passes.

    Both transpositions are worked on together, the transposed squares first.
    """
    both, both_skew, neither, neither_skew, spare = room[:5]
    np.add(neither, neither_skew, out=spare)
    np.subtract(neither, neither_skew, out=neither_skew)
    transposed, upright = best_flip(room[3:5], room[5:9:3], room[7:5:-1], room[9:11])
    upright += both_skew
    transposed -= both_skew
    best = np.maximum(upright, transposed, out=upright)
    best += both
    return best


def best_flip(odd: np.ndarray, left: np.ndarray, up: np.ndarray, spare: np.ndarray) -> np.ndarray:
    """Return the largest of odd + left + up and what its flips make of it, in `left`; all are spoilt."""
    apart = np.subtract(left, up, out=spare)
    left += up
    np.abs(left, out=left)
    np.abs(apart, out=apart)
    left += odd
    apart -= odd
    return np.maximum(left, apart, out=left)
