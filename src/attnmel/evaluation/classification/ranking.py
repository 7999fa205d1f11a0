"""Scores and truth of one class against the rest -> measures, for many resamples at once.

Everything is read off `Counts`: how many positives and negatives lie at or above each distinct score. A resample is a
row of weights (how often each image was drawn), so 2,000 resamples cost one sort and a few cumulative sums.

Shapes: N images, R resamples (rows of weights), T distinct scores, C classes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from attnmel.errors import PredictionsError, listed
from attnmel.evaluation.statistics.bootstrap import sums_in_cells
from attnmel.evaluation.statistics.proportions import share

THRESHOLD = 0.5
"""An image is called positive strictly above it, as in the ISIC challenges' scoring programs."""

Values = Float[np.ndarray, " R"]


@dataclass(frozen=True)
class Counts:
    """Weights of the images at or above each distinct score, one row a resample.

    The scores fall, so the last column holds all images.
    """

    scores: Float[np.ndarray, " T"]
    true_positives: Float[np.ndarray, "R T"]
    false_positives: Float[np.ndarray, "R T"]

    @property
    def positives(self) -> Values:
        """All that truly are of the class."""
        return self.true_positives[:, -1]

    @property
    def negatives(self) -> Values:
        """All that truly are not."""
        return self.false_positives[:, -1]

    def above(self, threshold: float) -> tuple[Values, Values]:
        """Return the true and false positives with a score strictly above the threshold."""
        called = int((self.scores > threshold).sum())
        if called == 0:
            none = np.zeros(len(self.true_positives))
            return none, none
        return self.true_positives[:, called - 1], self.false_positives[:, called - 1]


@dataclass(frozen=True)
class Ranking:
    """The images of one task by falling score, sorted once for all resamples."""

    order: Int[np.ndarray, " N"]
    """Row of each place in the ranking."""
    positive: Bool[np.ndarray, " N"]
    """Whether the image at each place is truly of the class."""
    ends: Int[np.ndarray, " T"]
    """Last place of each distinct score: equal scores are called together."""
    scores: Float[np.ndarray, " T"]

    @staticmethod
    def of(positive: Bool[np.ndarray, " N"], scores: Float[np.ndarray, " N"]) -> "Ranking":
        """Sort the images by falling score.

        Raises:
            PredictionsError: no image, or a score that is not a finite number.
        """
        if not len(scores):
            raise PredictionsError("no image to measure; expected at least one positive and one negative")
        if bad := np.flatnonzero(~np.isfinite(scores)).tolist():
            raise PredictionsError(
                f"{len(bad)} of {len(scores)} scores are not finite (places {listed(map(str, bad))}); expected numbers "
                "in [0, 1]"
            )
        order = np.argsort(-scores, kind="stable")
        falling = scores[order].astype(np.float64)
        ends = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)
        return Ranking(order, positive[order], ends, falling[ends])

    def counts(self, weights: Float[np.ndarray, "R N"] | None = None) -> Counts:
        """Count for each resample; without weights for the images as they are, R = 1."""
        if weights is None:
            weights = np.ones((1, len(self.order)))
        ranked = np.take(weights, self.order, axis=1)
        called = np.cumsum(ranked, axis=1)
        ranked *= self.positive
        true = np.cumsum(ranked, axis=1, out=ranked)
        if len(self.ends) < len(self.order):
            called, true = np.take(called, self.ends, axis=1), np.take(true, self.ends, axis=1)
        called -= true
        return Counts(self.scores, true, called)

    def corners(self) -> "Ranking":
        """Return the ranking at the scores that `MEASURES` need, for speed: of the others none changes a measure.

        Between two positives the curve is level, and precision counts at positives alone: kept are the scores of
        positives, the one before each, the last above `THRESHOLD`, and the last of all.
        """
        found = np.diff(np.cumsum(self.positive)[self.ends], prepend=0) > 0
        kept = found.copy()
        kept[:-1] |= found[1:]
        kept[-1] = True
        if called := int((self.scores > THRESHOLD).sum()):
            kept[called - 1] = True
        return Ranking(self.order, self.positive, self.ends[kept], self.scores[kept])

    def by_image(self) -> tuple[Bool[np.ndarray, " N"], Float[np.ndarray, " N"]]:
        """Return truth and score of each image, in the order in which the images were given."""
        place = np.argsort(self.order)
        return self.positive[place], np.repeat(self.scores, np.diff(self.ends, prepend=-1))[place]


def roc_auc(counts: Counts) -> Values:
    """Area under the ROC curve by trapezoids, in [0, 1]; NaN without a positive or a negative.

    It is the share of pairs of a positive and a negative that are ordered rightly, ties counted half (Hanley and
    McNeil 1982).
    """
    true, false = counts.true_positives, counts.false_positives
    trapezoids = np.einsum("rt,rt->r", false[:, 1:] - false[:, :-1], true[:, 1:] + true[:, :-1])
    area = (trapezoids + true[:, 0] * false[:, 0]) / 2
    return share(area, counts.positives * counts.negatives)


def average_precision(counts: Counts) -> Values:
    """Step sum of precision over recall, sum of (R_t - R_(t-1)) P_t, in [0, 1]; NaN without a positive.

    As in scikit-learn since 0.19: no interpolation between thresholds, which would be too optimistic (Davis and
    Goadrich 2006). Constant scores give the share of positives.
    """
    true = counts.true_positives
    precision = true + counts.false_positives
    # A resample may have drawn none of the images at the top; nothing is found there, and 0 / tiny is 0.
    np.maximum(precision, np.finfo(np.float64).tiny, out=precision)
    np.divide(true, precision, out=precision)
    found = np.einsum("rt,rt->r", true[:, 1:] - true[:, :-1], precision[:, 1:]) + true[:, 0] * precision[:, 0]
    return share(found, counts.positives)


def sensitivity(counts: Counts) -> Values:
    """Share of positives that are called positive, tp / (tp + fn), in [0, 1]; NaN without a positive."""
    called, _ = counts.above(THRESHOLD)
    return share(called, counts.positives)


def specificity(counts: Counts) -> Values:
    """Share of negatives that are called negative, tn / (tn + fp), in [0, 1]; NaN without a negative."""
    _, called = counts.above(THRESHOLD)
    return share(counts.negatives - called, counts.negatives)


def balanced_accuracy(counts: Counts) -> Values:
    """Mean of sensitivity and specificity, in [0, 1]; NaN without a positive or a negative."""
    return (sensitivity(counts) + specificity(counts)) / 2


Measure = Callable[[Counts], Values]

MEASURES: dict[str, Measure] = {
    "auc": roc_auc,
    "ap": average_precision,
    "sensitivity": sensitivity,
    "specificity": specificity,
    "balanced_accuracy": balanced_accuracy,
}
"""Every measure of one class against the rest, in the order of the tables."""


@dataclass(frozen=True)
class TopOneHits:
    """For each image its true class, and whether that class alone has the highest probability."""

    labels: Int[np.ndarray, " N"]
    hit: Bool[np.ndarray, " N"]

    @staticmethod
    def of(labels: Int[np.ndarray, " N"], probabilities: Float[np.ndarray, "N K"]) -> "TopOneHits":
        """Compare; a highest probability shared by two classes is a miss, as in the ISIC 2018 scoring program."""
        highest = probabilities == probabilities.max(axis=1, keepdims=True)
        hit = highest[np.arange(len(labels)), labels] & (highest.sum(axis=1) == 1)
        return TopOneHits(labels, hit)

    @cached_property
    def columns(self) -> Float[np.ndarray, "N C2"]:
        """What each image adds to the hits of each class, then to its images, for the classes that occur."""
        classes = self.labels[:, None] == np.unique(self.labels)
        return np.concatenate([classes & self.hit[:, None], classes], axis=1).astype(np.float64)

    def recalls(self, weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R C"]:
        """Share of the images of each class that are hit, in [0, 1], for the classes that occur, by rising index.

        NaN where a resample holds no image of the class.
        """
        of_class = np.unique(self.labels, return_inverse=True)[1]
        held = sums_in_cells(weights, 2 * of_class + self.hit, self.columns.shape[1])
        return shares_of(np.stack([held[:, 1::2], held[:, ::2] + held[:, 1::2]]))


def shares_of(sums: Float[np.ndarray, "2 R C"]) -> Float[np.ndarray, "R C"]:
    """Return the recalls of the sums of `TopOneHits.columns`: of hits, then of images."""
    return share(sums[0], sums[1])
