"""Descriptions of images in four ways -> the nearest others of each, over all ways, none missed.

The ways are those of a picture turned by a quarter, mirrored, and both: their sums and differences (a Hadamard
transform) have a quarter of the dimensions each, nearly, and four short products give the products with all four ways.
What the axes of the sums leave out adds at most the product of two lengths (Cauchy-Schwarz); pairs that may still be
among the nearest are computed in full.

Legend of shapes: N images, Q images whose nearest are searched, B images they are compared with, D values of a
description, k those of a sum along its axes, M pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64
from scipy.linalg import hadamard

from attnmel.data.audit.search.bounded_search import COLUMNS, SLACK, BoundedSearch
from attnmel.data.audit.search.flip_parts import best_flip
from attnmel.data.audit.search.nearest import NearestPairs

KEPT = 0.9999
"""Share of the energy of each sum along the axes that all pairs are compared by."""

TOGETHER = 512
"""Pairs that are computed in full at once, so that their descriptions stay in the processor's cache."""

Rows = Float32[np.ndarray, "Q D"]


@dataclass
class SpectrumQuery:
    """Images to search for."""

    rows: Rows
    sums: list[Float32[np.ndarray, "Q _"]]
    """Along the axes of each sum; the first also has the lengths of the rest, and what is to be reached."""
    room: Float32[np.ndarray, "5 Q B"]
    """For the products with a block."""


class WaysNearest(BoundedSearch[SpectrumQuery]):
    """A search among images that are each described in four ways."""

    def __init__(self, ways: Sequence[Float32[np.ndarray, "N D"]]) -> None:
        super().__init__(np.arange(len(ways[0])))
        self._ways = ways
        self._axes = [_axes(self._sums(slice(None), signs)) for signs in hadamard(len(ways))]
        self._columns = [self._short(slice(start, start + COLUMNS)) for start in range(0, len(ways[0]), COLUMNS)]

    def _query(self, rows: Rows) -> SpectrumQuery:
        half = rows / np.float32(2)
        sums = [half @ axes for axes in self._axes]
        rests = [_rest(half, one, axes) for one, axes in zip(sums, self._axes, strict=True)]
        sums = [np.column_stack([sums[0], *rests, np.ones(len(rows), dtype=np.float32)]), *sums[1:]]
        return SpectrumQuery(rows, sums, np.empty((5, len(rows), COLUMNS), dtype=np.float32))

    def _in_full(self, query: SpectrumQuery, places: Int64[np.ndarray, " B"]) -> Float32[np.ndarray, "Q B"]:
        return np.max([query.rows @ one[places].T for one in self._ways], axis=0)

    def _reaching(self, query: SpectrumQuery, blocks: range, bounds: Float32[np.ndarray, " Q"]) -> NearestPairs:
        query.sums[0][:, -1] = SLACK - bounds
        firsts, seconds = [], []
        for number in blocks:
            columns = self._columns[number]
            here = query.room[:, :, : columns[0].shape[1]]
            for out, one, other in zip(here, query.sums, columns, strict=False):
                np.matmul(one, other, out=out)
            best = best_flip(here[1], here[2], here[3], here[4])
            best += here[0]
            first, second = np.divmod(np.flatnonzero(best >= 0), here.shape[2])
            firsts.append(first)
            seconds.append(second + number * COLUMNS)
        return self._exact(query, np.concatenate(firsts), np.concatenate(seconds))

    def _exact(
        self, query: SpectrumQuery, first: Int64[np.ndarray, " M"], second: Int64[np.ndarray, " M"]
    ) -> NearestPairs:
        products = np.empty((len(self._ways), len(first)), dtype=np.float32)
        for start in range(0, len(first), TOGETHER):
            some = slice(start, start + TOGETHER)
            rows = query.rows[first[some]]
            for out, one in zip(products, self._ways, strict=True):
                np.einsum("md,md->m", rows, one[second[some]], out=out[some])
        return NearestPairs(first, second, products.argmax(axis=0), products.max(axis=0))

    def _sums(self, rows: slice, signs: np.ndarray) -> Float32[np.ndarray, "B D"]:
        """Return a sum of the ways with some signs, of unit length for ways that are orthogonal."""
        total = self._ways[0][rows] / np.float32(2)
        for one, sign in zip(self._ways[1:], signs[1:].tolist(), strict=True):
            total += one[rows] * np.float32(sign / 2)
        return total

    def _short(self, rows: slice) -> list[Float32[np.ndarray, "_ B"]]:
        """Return images in columns: of each sum what lies along its axes, and of the first the lengths of the rest."""
        every = [self._sums(rows, signs) for signs in hadamard(len(self._ways))]
        sums = [one @ axes for one, axes in zip(every, self._axes, strict=True)]
        rests = map(_rest, every, sums, self._axes)
        first = np.column_stack([sums[0], *rests, np.ones(len(sums[0]), dtype=np.float32)])
        return [np.ascontiguousarray(one.T) for one in (first, *sums[1:])]


def _axes(sums: Float32[np.ndarray, "N D"]) -> Float32[np.ndarray, "D k"]:
    """Return the principal axes with most of the energy."""
    energy, axes = np.linalg.eigh((sums.T @ sums).astype(np.float64))
    share = np.cumsum(energy[::-1]) / max(energy.sum(), np.finfo(float).tiny)
    return np.ascontiguousarray(axes[:, ::-1][:, : np.searchsorted(share, KEPT) + 1], dtype=np.float32)


def _rest(
    every: Float32[np.ndarray, "N D"], along: Float32[np.ndarray, "N k"], axes: Float32[np.ndarray, "D k"]
) -> Float32[np.ndarray, " N"]:
    """Return the length of what lies along none of the axes."""
    return np.linalg.norm(every - along @ axes.T, axis=1)
