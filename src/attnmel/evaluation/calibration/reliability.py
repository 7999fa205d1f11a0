"""Probabilities of one class in bins of equal mass -> reliability curve, expected calibration error, Brier's parts.

Bins hold about as many images each (Nguyen and O'Connor 2015; "adaptive" in Nixon et al. 2019): bins of equal width
would hold nearly all images in one. Equal probabilities share a bin, so that the order of the images does not matter.
What is computed on resamples keeps the bins of the images as they are.

Shapes: N images, B bins, R resamples, C = 5 B columns to sum.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csc_array

from attnmel.evaluation.statistics.bootstrap import CHUNK, CONFIDENCE, Interval, sums_in_cells
from attnmel.evaluation.statistics.proportions import wilson_interval

BINS = 10
LEAST_IN_BIN = 10
"""Fewer images are put into fewer bins: a share of less than ten says nothing."""

Values = Float[np.ndarray, " R"]
InBins = Float[np.ndarray, "R B"]


@dataclass(frozen=True)
class Bin:
    """Images of neighbouring probabilities: what was predicted of them, and what was true."""

    images: int
    positives: int
    lowest: float
    """Lowest probability in the bin."""
    highest: float
    predicted: float
    """Mean probability."""
    observed: Interval
    """Share of positives with Wilson's interval (1927), which takes images for independent of each other."""


class Sums(NamedTuple):
    """Sums over the images of each bin, one row a resample: all that the measures need."""

    images: InBins
    positives: InBins
    predicted: InBins
    """Of the probabilities p."""
    squared: InBins
    """Of p squared."""
    joint: InBins
    """Of p where the image is positive."""


class BrierParts(NamedTuple):
    """Brier score = reliability - resolution + uncertainty."""

    brier: Values
    reliability: Values
    resolution: Values
    uncertainty: Values


def equal_mass(probability: Float[np.ndarray, " N"], bins: int = BINS) -> Int[np.ndarray, " N"]:
    """Return the bin of each image, numbered from the lowest probability; bins that ties leave empty do not count."""
    count = max(1, min(bins, len(probability) // LEAST_IN_BIN))
    edges = np.quantile(probability, np.arange(1, count) / count)
    _, place = np.unique(np.searchsorted(edges, probability), return_inverse=True)
    return place


def columns(
    probability: Float[np.ndarray, " N"], positive: Bool[np.ndarray, " N"], place: Int[np.ndarray, " N"]
) -> csc_array:
    """Return what each image adds to each of `Sums`, bin by bin: N times C, nearly all of it 0."""
    each = np.stack([np.ones_like(probability), positive, probability, probability**2, probability * positive])
    bins = int(place.max()) + 1
    column = place + bins * np.arange(len(each))[:, None]
    rows = np.broadcast_to(np.arange(len(place)), column.shape)
    added = csc_array((each.ravel(), (rows.ravel(), column.ravel())), shape=(len(place), bins * len(each)))
    added.eliminate_zeros()
    return added


def sums(weights: Float[np.ndarray, "R N"], added: csc_array) -> Sums:
    """Sum what `columns` returned, on every resample."""
    return Sums(*np.split(weights @ added, len(Sums._fields), axis=1))


def calibration_error(held: Sums) -> Values:
    """Expected calibration error, sum over the bins of n_b / n |share of positives - mean probability|, in [0, 1].

    Of one class against the rest; Guo's (2017), which is of the highest probability of each image, differs.
    """
    return np.abs(held.positives - held.predicted).sum(axis=1) / held.images.sum(axis=1)


def brier_parts(held: Sums) -> BrierParts:
    """Mean of (p - y)^2, y being 1 for a positive and 0 otherwise, in Murphy's (1973) three parts.

    Probabilities within a bin differ, so that the parts of the bins alone do not add up. Resolution here holds the two
    terms within bins too (Stephenson, Coelho and Jolliffe 2008): between bins + 2 cov(y, p) - var(p) within them. Then
    the parts add up exactly, and where a bin holds one probability only they are Murphy's.
    """
    images = held.images.sum(axis=1)
    share = held.positives.sum(axis=1) / images
    brier = (held.squared - 2 * held.joint + held.positives).sum(axis=1) / images
    reliability = _by_image(held, (held.predicted - held.positives) ** 2).sum(axis=1) / images
    between = _by_image(held, (held.positives - share[:, None] * held.images) ** 2)
    spread = held.squared - _by_image(held, held.predicted**2)
    together = held.joint - _by_image(held, held.positives * held.predicted)
    resolution = (between + 2 * together - spread).sum(axis=1) / images
    return BrierParts(brier, reliability, resolution, share * (1 - share))


def calibration_error_by_chance(
    probability: Float[np.ndarray, " N"], place: Int[np.ndarray, " N"], *, resamples: int, seed: int
) -> Interval:
    """Return the calibration error that these probabilities would show if they were true: mean and 95 % range.

    The error of a finite sample is above 0 even then, for it adds up absolute differences. Truths are drawn from the
    probabilities, each image by itself (consistency resampling, Broecker and Smith 2007).
    """
    generator = np.random.default_rng(seed)
    bins = int(place.max()) + 1
    expected = np.bincount(place, probability, bins)
    step = max(1, CHUNK // len(probability))
    errors = []
    for done in range(0, resamples, step):
        drawn = generator.random((min(step, resamples - done), len(probability))) < probability
        errors.append(np.abs(sums_in_cells(drawn, place, bins) - expected).sum(axis=1) / len(probability))
    every = np.concatenate(errors)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(every, [tail, 1 - tail])
    return Interval(float(every.mean()), float(low), float(high))


def reliability_curve(
    probability: Float[np.ndarray, " N"], positive: Bool[np.ndarray, " N"], place: Int[np.ndarray, " N"]
) -> tuple[Bin, ...]:
    """Return the bins from the lowest probability to the highest."""
    found = []
    for number in range(int(place.max()) + 1):
        held, hits = probability[place == number], int(positive[place == number].sum())
        observed = wilson_interval(hits / len(held), len(held))
        found.append(Bin(len(held), hits, float(held.min()), float(held.max()), float(held.mean()), observed))
    return tuple(found)


def _by_image(held: Sums, totals: InBins) -> InBins:
    """Divide by the images of each bin; 0 in a bin of which a resample has none."""
    return np.divide(totals, held.images, out=np.zeros_like(totals), where=held.images > 0)
