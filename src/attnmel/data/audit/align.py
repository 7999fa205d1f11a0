"""Signatures -> pairs of images that show the same picture: turned by quarters, mirrored, moved or recoloured.

Three steps, each on fewer pairs: what may be near at all (`candidates`); the best shift and zoom by middle structure;
and how well the fine structure then agrees.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int8, Int64
from scipy import fft

from attnmel.data.audit.chunks import in_parts
from attnmel.data.audit.descriptors import FINE, MIDDLE, Signatures
from attnmel.data.audit.search.candidates import Candidates, turned_each
from attnmel.progress import SILENT, Progress

# Pairs below these are dropped. Measured on the reduced ISIC 2016-2018 images (docs/results/results.md).
LEAST_MIDDLE = 0.6
LEAST_ROUGH = 0.28

SAME_PICTURE = 0.57
"""Correlation of fine structure above which two images show the same picture."""

LEAST_FINE = 0.35
"""Correlation of fine structure below which no other zoom is tried; of 412 pairs the lowest was 0.39."""

ZOOMS = (0.88, 0.94, 1.0, 1.06, 1.12)
"""Sides of the second image's part that the first one shows, tried one by one."""
FINER_ZOOMS = (-0.03, 0.03)

# Furthest shift that is tried, as a share of the side.
SHIFT = 5 / 32

# Share of the frame that two images must have in common.
LEAST_COMMON = 0.3


@dataclass(frozen=True)
class Match:
    """Two rows that show the same picture."""

    first: int
    second: int
    symmetry: int
    """What the second is turned and mirrored by to lie like the first; see `turned`."""
    likeness: float
    """Correlation of fine structure at the best shift and zoom, at most 1."""


def moved_pictures(signatures: Signatures, likely: Candidates, *, progress: Progress = SILENT) -> list[Match]:
    """Return the candidates that show the same picture, most alike first."""
    aligned = aligned_pairs(signatures.middle, likely, progress)
    aligned = aligned.of(aligned.likeness >= LEAST_MIDDLE)
    aligned = aligned.of(rough_likeness(signatures, aligned, progress) >= LEAST_ROUGH)
    likeness = fine_likeness(signatures, aligned, progress)
    order = np.argsort(-likeness, kind="stable")
    return [
        Match(
            int(aligned.pairs[row, 0]), int(aligned.pairs[row, 1]), int(aligned.symmetries[row]), float(likeness[row])
        )
        for row in order[likeness[order] >= SAME_PICTURE]
    ]


@dataclass(frozen=True)
class Alignment:
    """How the second image of each pair lies on the first."""

    pairs: Int64[np.ndarray, "P 2"]
    symmetries: Int64[np.ndarray, " P"]
    zooms: Float32[np.ndarray, " P"]
    shifts: Int64[np.ndarray, "P 2"]
    """Rows and columns of the middle structure that the second is moved by."""
    likeness: Float32[np.ndarray, " P"]

    def of(self, rows: np.ndarray | slice) -> "Alignment":
        """Return some of the pairs."""
        return Alignment(*(getattr(self, field.name)[rows] for field in dataclasses.fields(self)))


def aligned_pairs(middle: Int8[np.ndarray, "N m m"], likely: Candidates, progress: Progress = SILENT) -> Alignment:
    """Return the zoom and shift of each pair at which its middle structure agrees best, and how well it agrees."""
    pairs, symmetries = likely.pairs, likely.symmetries

    def part(rows: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        first = middle[pairs[rows, 0]].astype(np.float32)
        second = turned_each(middle[pairs[rows, 1]].astype(np.float32), symmetries[rows])
        spectrum = _spectrum(first)
        length = np.sqrt((first**2).sum(axis=(1, 2)))
        agreement, place = [], []
        for zoom in ZOOMS:
            enlarged = second if zoom == 1 else _enlarged(second, np.array([zoom]))
            products = _shifted(spectrum * _spectrum(enlarged).conj(), MIDDLE)
            place.append(products.reshape(len(products), (2 * _reach(MIDDLE) + 1) ** 2).argmax(axis=1))
            agreement.append(products.max(axis=(1, 2)) / (length * np.sqrt((enlarged**2).sum(axis=(1, 2))) + 1))
        best = np.argmax(agreement, axis=0)
        shifts = np.stack(np.divmod(np.choose(best, place), 2 * _reach(MIDDLE) + 1), axis=1) - _reach(MIDDLE)
        return np.array(ZOOMS, dtype=np.float32)[best], shifts, np.max(agreement, axis=0)

    zooms, shifts, likeness = in_parts(part, len(pairs), MIDDLE, "Aligning pairs", progress)
    return Alignment(pairs, symmetries, zooms, shifts, likeness)


def rough_likeness(
    signatures: Signatures, alignment: Alignment, progress: Progress = SILENT
) -> Float32[np.ndarray, " P"]:
    """Return the correlation of each pair's fine structure where it was aligned, give or take one pixel."""

    def part(rows: slice) -> tuple[np.ndarray]:
        first, second = _fine_pair(signatures, alignment.of(rows))
        enlarged = _enlarged(second, alignment.zooms[rows])
        moved = _moved(enlarged, alignment.shifts[rows] * (FINE // MIDDLE))
        inner = moved[:, 1:-1, 1:-1]
        products = [
            np.einsum("brc,brc->b", first[:, row : row + FINE - 2, column : column + FINE - 2], inner)
            for row in range(3)
            for column in range(3)
        ]
        lengths = np.einsum("brc,brc->b", first, first) * np.einsum("brc,brc->b", inner, inner)
        return (np.max(products, axis=0) / np.sqrt(lengths.clip(1)),)

    return in_parts(part, len(alignment.pairs), FINE, "Comparing details", progress)[0]


def fine_likeness(
    signatures: Signatures, alignment: Alignment, progress: Progress = SILENT
) -> Float32[np.ndarray, " P"]:
    """Return the correlation of each pair's fine structure where both show something, at the best shift and zoom."""

    def part(rows: slice) -> tuple[np.ndarray]:
        some = alignment.of(rows)
        best = _likeness_at((0.0,), signatures, some)
        near = np.flatnonzero(best >= LEAST_FINE)
        best[near] = np.maximum(best[near], _likeness_at(FINER_ZOOMS, signatures, some.of(near)))
        return (best,)

    return in_parts(part, len(alignment.pairs), FINE, "Comparing details again", progress)[0]


def _likeness_at(steps: Sequence[float], signatures: Signatures, some: Alignment) -> Float32[np.ndarray, " P"]:
    """Return the same at the best of some zooms, as steps from those that were found."""
    first, second = _fine_pair(signatures, some)
    within = signatures.shown(some.pairs[:, 0])
    turned = turned_each(signatures.shown(some.pairs[:, 1]), some.symmetries)
    spectra = [_spectrum(one) for one in (first, first**2, within)]
    best = np.zeros(len(first), dtype=np.float32)
    for step in steps:
        inside = (_enlarged(turned, some.zooms + step) > 1 - 1e-3).astype(np.float32)
        enlarged = _enlarged(second, some.zooms + step) * inside
        best = np.maximum(best, _correlation(spectra, enlarged, inside))
    return best


def _fine_pair(signatures: Signatures, alignment: Alignment) -> tuple[np.ndarray, np.ndarray]:
    first = signatures.fine[alignment.pairs[:, 0]].astype(np.float32)
    second = signatures.fine[alignment.pairs[:, 1]].astype(np.float32)
    return first, turned_each(second, alignment.symmetries)


def _correlation(
    spectra: list[np.ndarray], second: Float32[np.ndarray, "B f f"], inside: Float32[np.ndarray, "B f f"]
) -> Float32[np.ndarray, " B"]:
    """Return the highest normalised correlation over all shifts, of the part of the frame that both have."""
    first, first_squared, within = spectra
    window = _spectrum(inside).conj()
    product = _shifted(first * _spectrum(second).conj(), FINE)
    energies = _shifted(first_squared * window, FINE) * _shifted(within * _spectrum(second**2).conj(), FINE)
    common = _shifted(within * window, FINE) / FINE**2
    correlation = product / np.sqrt(energies.clip(1))
    return np.where(common >= LEAST_COMMON, correlation, 0).max(axis=(1, 2))


def _spectrum(images: Float32[np.ndarray, "B s s"]) -> np.ndarray:
    padded = _padded(images.shape[1])
    return np.asarray(fft.fft(fft.rfft(images, padded), padded, axis=1))


def _shifted(spectrum: np.ndarray, side: int) -> Float32[np.ndarray, "B d d"]:
    """Return the sums of products at every shift up to `SHIFT`."""
    reach = _reach(side)
    near = np.arange(-reach, reach + 1)
    # The rows that no shift asks for are left out before the columns are transformed.
    rows = np.asarray(fft.ifft(spectrum, axis=1))[:, near]
    return np.asarray(fft.irfft(rows, _padded(side)))[..., near]


def _padded(side: int) -> int:
    """Return a length at which what a shift moves out on one side meets nothing on the other."""
    return int(fft.next_fast_len(side + _reach(side), real=True) or 0)


def _reach(side: int) -> int:
    return round(SHIFT * side)


def _enlarged(images: Float32[np.ndarray, "B s s"], zooms: Float[np.ndarray, "#B"]) -> Float32[np.ndarray, "B s s"]:
    """Return the central part of each image, a share of the side, at the whole side; 0 beyond the image."""
    side = images.shape[1]
    places = (np.arange(side) - (side - 1) / 2) * zooms[:, None] + (side - 1) / 2
    weights = (1 - np.abs(places[..., None] - np.arange(side))).clip(0, 1).astype(np.float32)
    return weights @ images @ weights.transpose(0, 2, 1)


def _moved(images: Float32[np.ndarray, "B s s"], shifts: Int64[np.ndarray, "B 2"]) -> Float32[np.ndarray, "B s s"]:
    """Return the images moved down and to the right by whole pixels, 0 where nothing comes in."""
    moved = np.zeros_like(images)
    side = images.shape[1]
    for image, target, (down, right) in zip(images, moved, shifts.tolist(), strict=True):
        kept = image[max(-down, 0) : side - max(down, 0), max(-right, 0) : side - max(right, 0)]
        target[max(down, 0) : side + min(down, 0), max(right, 0) : side + min(right, 0)] = kept
    return moved
