"""Signatures -> the few pairs of images that are to be aligned: each image with its nearest in two descriptions.

By coarse structure, pixel for pixel, in all eight symmetries of the square: it bears zoom and recolouring, and views of
an image are compared with the whole frames of others by it as well. By the spectrum of middle structure, which does not
change when a picture is moved, or turned by half: it bears shifts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float16, Float32, Int8, Int64, Shaped
from scipy import fft

from attnmel.data.audit.chunks import in_parts, threads
from attnmel.data.audit.descriptors import CHUNK, COARSE, MIDDLE, Signatures
from attnmel.data.audit.search.grouped_nearest import GroupedNearest
from attnmel.data.audit.search.turned_nearest import TurnedNearest
from attnmel.data.audit.search.ways_nearest import WaysNearest
from attnmel.progress import SILENT, Progress

SYMMETRIES = 8
"""Quarter turns, then quarter turns of the mirror image."""

HALF_TURN = 2

SPECTRAL_SYMMETRIES = (0, 1, 4, 5)
"""Those that a half turn does not make of each other."""

COARSE_NEIGHBOURS, SPECTRAL_NEIGHBOURS, VIEW_NEIGHBOURS = 5, 4, 2
"""Candidates of every image, or view of one, by each description."""

COMPARED_WITH_ALL = 20_000
"""Images up to which it is no slower to compare each with every other than with those in groups like it."""

COMPARED_IN_GROUPS = 10
"""How many others an image is compared with in groups, in each of its turns, over the root of the number of images."""

LEAST_COARSE = 0.5
"""Correlation of coarse structure below which a neighbour is no candidate."""

# Waves along a side of the spectrum that are compared. On real images moved or cropped by 4 to 8 % this many put 98 to
# 100 % of the copies among the seven nearest of 14,429; 5 and 9 put 95 to 100 %.
WAVES = 7


@dataclass(frozen=True)
class Candidates:
    """Pairs of rows, each perhaps in several symmetries."""

    pairs: Int64[np.ndarray, "P 2"]
    symmetries: Int64[np.ndarray, " P"]
    """What the second is turned by; see `turned`."""
    views: Int64[np.ndarray, " P"]
    """Index in `frames.VIEWS` of the part of the first that the second may show; 0 for all of it."""

    def __len__(self) -> int:
        return len(self.pairs)

    def of(self, rows: np.ndarray | slice) -> "Candidates":
        """Return some of the pairs."""
        return Candidates(self.pairs[rows], self.symmetries[rows], self.views[rows])


def joined_candidates(some: Sequence[Candidates]) -> Candidates:
    """Return candidates one after another."""
    columns = ([one.pairs, one.symmetries, one.views] for one in some)
    return Candidates(*(np.concatenate(column) for column in zip(*columns, strict=True)))


def turned(images: Shaped[np.ndarray, "B s s *C"], symmetry: int) -> Shaped[np.ndarray, "B s s *C"]:
    """Return squares mirrored (symmetries from 4 on), then turned by quarters."""
    mirrored = images[:, :, ::-1] if symmetry >= SYMMETRIES // 2 else images
    return np.rot90(mirrored, symmetry % 4, axes=(1, 2))


def turned_each(images: Float32[np.ndarray, "B s s"], symmetries: Int64[np.ndarray, " B"]) -> np.ndarray:
    """Return squares turned each by its own symmetry."""
    out = np.empty_like(images)
    for symmetry in np.unique(symmetries):
        rows = symmetries == symmetry
        out[rows] = turned(images[rows], int(symmetry))
    return out


class CandidateSearch:
    """The descriptions of all images, ready to be searched: with every other image, or those in groups like each."""

    def __init__(self, signatures: Signatures, *, in_groups: bool = False, progress: Progress = SILENT) -> None:
        self._signatures, self._in_groups, self._progress = signatures, in_groups, progress

    @cached_property
    def _turned(self) -> TurnedNearest | GroupedNearest:
        squares = self._squares(0)
        return GroupedNearest(squares, every_turn, COMPARED_IN_GROUPS) if self._in_groups else TurnedNearest(squares)

    def _squares(self, view: int) -> Float16[np.ndarray, "N s s"]:
        return self._signatures.view_coarse[:, view].reshape(-1, COARSE, COARSE)

    def candidates(self) -> Candidates:
        """Return the pairs of each image with its nearest, each pair once a symmetry, the lower row first."""
        if len(self._signatures) < 2:
            return _candidates(np.zeros((0, 3), dtype=np.int64), 0)
        by_spectrum = self._by_spectrum()  # before the other search takes memory
        return _candidates(_distinct(np.concatenate([self._by_coarse(0, COARSE_NEIGHBOURS), by_spectrum])), 0)

    def view_candidates(self, view: int) -> Candidates:
        """Return the pairs of a view of each image with the whole frames nearest to it; the view's image is first."""
        if len(self._signatures) < 2:
            return _candidates(np.zeros((0, 3), dtype=np.int64), view)
        return _candidates(self._by_coarse(view, VIEW_NEIGHBOURS), view)

    def _by_coarse(self, view: int, most: int) -> Int64[np.ndarray, "P 3"]:
        return np.column_stack(self._turned.of_each(self._squares(view), most, LEAST_COARSE, self._progress)[:3])

    def _by_spectrum(self) -> Int64[np.ndarray, "P 3"]:
        middle = self._signatures.middle
        every = spectra(middle)
        if self._in_groups:
            # Spectra are standardised upright, so that it makes a little difference which of two images is turned.
            search = GroupedNearest(every, lambda some: some, COMPARED_IN_GROUPS, more=4)
            found = search.of_each(every, SPECTRAL_NEIGHBOURS, -1, self._progress)
        else:
            search = WaysNearest(list(every.swapaxes(0, 1)))
            found = search.of_each(every[:, 0], SPECTRAL_NEIGHBOURS, -1, self._progress)
        pairs, symmetries = np.column_stack(found[:2]), np.array(SPECTRAL_SYMMETRIES)[found.way]
        return np.column_stack([pairs, _upright(middle, pairs, symmetries, self._progress)])


def every_turn(images: Float32[np.ndarray, "B s s"]) -> Float32[np.ndarray, "B 8 D"]:
    """Return squares in all symmetries, in their order."""
    every = np.empty((len(images), SYMMETRIES, *images.shape[1:]), dtype=images.dtype)
    for symmetry in range(SYMMETRIES):
        every[:, symmetry] = turned(images, symmetry)
    return every.reshape(len(images), SYMMETRIES, -1)


def spectra(middle: Int8[np.ndarray, "N m m"]) -> Float32[np.ndarray, "N 4 D"]:
    """Return the spectra of structures in `SPECTRAL_SYMMETRIES`, standardised and of unit length."""
    first = _spectrum(middle[:1])  # before there are threads; see `in_parts`
    every = np.empty((len(middle), len(SPECTRAL_SYMMETRIES), first.shape[1]), dtype=np.float32)

    def waves(way: int) -> None:
        # Some at a time: the waves of one image take twenty times the memory of those that are kept.
        for start in range(0, len(middle), CHUNK):
            some = slice(start, start + CHUNK)
            every[some, way] = _spectrum(turned(middle[some], SPECTRAL_SYMMETRIES[way]))

    with threads() as pool:
        list(pool.map(waves, range(len(SPECTRAL_SYMMETRIES))))
    mean, spread = every[:, 0].mean(axis=0), every[:, 0].std(axis=0) + 1
    for start in range(0, len(every), CHUNK):
        some = every[start : start + CHUNK]
        some -= mean
        some /= spread
        some /= np.linalg.norm(some, axis=2, keepdims=True).clip(1e-6)
    return every


def undone(symmetries: Int64[np.ndarray, " P"]) -> Int64[np.ndarray, " P"]:
    """Return what undoes each symmetry: a mirror image undoes itself, a quarter turn is undone by three."""
    return np.where(symmetries >= SYMMETRIES // 2, symmetries, -symmetries % 4)


def _candidates(found: Int64[np.ndarray, "P 3"], view: int) -> Candidates:
    return Candidates(found[:, :2], found[:, 2], np.full(len(found), view))


def _distinct(found: Int64[np.ndarray, "M 3"]) -> Int64[np.ndarray, "P 3"]:
    """Return each pair once a symmetry, the lower row first."""
    first, second, symmetry = found.T
    ordered = np.where(first < second, (first, second, symmetry), (second, first, undone(symmetry)))
    return np.unique(ordered.T, axis=0)


def _spectrum(middle: Int8[np.ndarray, "N m m"]) -> Float32[np.ndarray, "N D"]:
    """Return the size of the slow waves, whatever their phase; the border fades, for it changes with a shift."""
    window = np.sqrt(np.hanning(MIDDLE + 2)[1:-1]).astype(np.float32)
    sizes = np.abs(np.asarray(fft.rfft2(middle * window[:, None] * window)))
    slow = np.concatenate([sizes[:, : WAVES + 1, : WAVES + 1], sizes[:, -WAVES:, : WAVES + 1]], axis=1)
    return slow.reshape(len(slow), -1)


def _upright(
    middle: Int8[np.ndarray, "N m m"],
    pairs: Int64[np.ndarray, "P 2"],
    symmetries: Int64[np.ndarray, " P"],
    progress: Progress,
) -> Int64[np.ndarray, " P"]:
    """Return the symmetries with a half turn where the second image then agrees better, moved as need be."""

    def part(rows: slice) -> tuple[np.ndarray]:
        first = np.asarray(fft.rfft2(middle[pairs[rows, 0]].astype(np.float32)))
        second = np.asarray(fft.rfft2(turned_each(middle[pairs[rows, 1]].astype(np.float32), symmetries[rows])))
        # A half turn conjugates the spectrum, up to a shift.
        as_is = np.asarray(fft.irfft2(first * second.conj(), s=(MIDDLE, MIDDLE))).max(axis=(1, 2))
        half = np.asarray(fft.irfft2(first * second, s=(MIDDLE, MIDDLE))).max(axis=(1, 2))
        return (np.where(half > as_is, _half_turned(symmetries[rows]), symmetries[rows]),)

    return in_parts(part, len(pairs), MIDDLE, "Turning pairs", progress)[0]


def _half_turned(symmetries: Int64[np.ndarray, " P"]) -> Int64[np.ndarray, " P"]:
    return symmetries // 4 * 4 + (symmetries + HALF_TURN) % 4
