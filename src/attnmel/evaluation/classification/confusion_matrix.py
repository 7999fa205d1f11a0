"""Confusion matrix, and recall, precision and F1 of each class.

Three or more classes are called by the highest probability; one that two classes share calls none, as in the ISIC 2018
scoring program, and has a column of its own. Two classes are called at 0.5: the positive strictly above it.

Shapes: N images, K classes, C columns of the matrix.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from attnmel.errors import PredictionsError
from attnmel.evaluation.classification.metric_set import mixed
from attnmel.evaluation.classification.ranking import THRESHOLD
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.evaluation.statistics.estimators import estimate_of_sums, estimate_shares
from attnmel.evaluation.statistics.proportions import mean_interval_of, mean_of_defined, share
from attnmel.evaluation.statistics.sampling import Sampling
from attnmel.records import Predictions

UNDECIDED = "undecided"
"""Column of the images whose highest probability two classes share; there only if there are any."""


@dataclass(frozen=True)
class ClassFigures:
    """Recall, precision and F1 of one class, each with its 95 % interval."""

    name: str
    images: int
    """Truly of the class."""
    called: int
    """Called so."""
    recall: Interval
    """Share of its images that are called so: the sensitivity of this class."""
    precision: Interval
    """Share of those called so that are of it; NaN where none is."""
    f1: Interval
    """Twice the hits over its images and those called so: the harmonic mean of both."""


@dataclass(frozen=True)
class Confusion:
    """Counts of true and called classes, and what follows from them."""

    classes: tuple[str, ...]
    """True classes, a row each."""
    called: tuple[str, ...]
    """The same, a column each, and `UNDECIDED` where an image is."""
    counts: tuple[tuple[int, ...], ...]
    shares: tuple[tuple[Interval, ...], ...]
    """Of each row's images; NaN in the row of a class without images."""
    by_class: tuple[ClassFigures, ...]
    accuracy: Interval
    """Share of all images that are called rightly."""
    mean_recall: Interval
    """Over the classes that have images: the balanced accuracy."""
    mean_precision: Interval
    """Over the classes that are called."""
    mean_f1: Interval
    images: int


def confusion(predictions: Predictions, positive: str) -> Confusion:
    """Count true against called classes; of two classes `positive` is the one that is called above 0.5.

    Raises:
        PredictionsError: an unlabelled image, a single class, or a positive that is not predicted.
    """
    _check(predictions, positive)
    labels, classes = predictions.labels, predictions.classes
    called = call(predictions.probabilities, None if len(classes) > 2 else classes.index(positive))
    columns = (*classes, UNDECIDED) if (called == len(classes)).any() else classes
    sampling = Sampling.of(predictions.groups, labels)
    shares = _shares(predictions, called, len(columns), sampling)
    by_class = _by_class(predictions, called, sampling)
    recall, precision, f1 = _means(labels, called, len(classes), sampling)
    if not mixed(predictions.groups, labels):
        recall = mean_interval_of([one.recall for one in by_class if one.images])
    hit = (labels == called)[:, None]
    (accuracy,) = estimate_shares(hit, np.ones_like(hit), sampling)
    return Confusion(
        classes=classes,
        called=columns,
        counts=tuple(tuple(row) for row in _counts(labels, called, len(classes), len(columns)).tolist()),
        shares=tuple(tuple(shares[row * len(columns) :][: len(columns)]) for row in range(len(classes))),
        by_class=by_class,
        accuracy=accuracy,
        mean_recall=recall,
        mean_precision=precision,
        mean_f1=f1,
        images=len(labels),
    )


def call(probabilities: Float[np.ndarray, "N K"], positive: int | None) -> Int[np.ndarray, " N"]:
    """Return the class that each image is called; K where the highest probability is shared.

    With `positive`, the place of one of two classes, that one strictly above 0.5 and the other at or below it.
    """
    if positive is not None:
        return np.where(probabilities[:, positive] > THRESHOLD, positive, 1 - positive)
    highest = probabilities == probabilities.max(axis=1, keepdims=True)
    return np.where(highest.sum(axis=1) == 1, highest.argmax(axis=1), probabilities.shape[1])


def _counts(
    labels: Int[np.ndarray, " N"], called: Int[np.ndarray, " N"], classes: int, columns: int
) -> Int[np.ndarray, "K C"]:
    return np.bincount(labels * columns + called, minlength=classes * columns).reshape(classes, columns)


def _shares(
    predictions: Predictions, called: Int[np.ndarray, " N"], columns: int, sampling: Sampling
) -> tuple[Interval, ...]:
    """Return the share of each true class that is called each class, row after row."""
    labels, classes = predictions.labels, len(predictions.classes)
    cells = (labels * columns + called)[:, None] == np.arange(classes * columns)
    rows = np.repeat(labels[:, None] == np.arange(classes), columns, axis=1)
    return estimate_shares(cells, rows, sampling)


def _by_class(predictions: Predictions, called: Int[np.ndarray, " N"], sampling: Sampling) -> tuple[ClassFigures, ...]:
    """Return recall, precision and F1 of each class."""
    names = predictions.classes
    true, said = _of_class(predictions.labels, called, len(names))
    hit, wholes = true & said, np.concatenate([true, said], axis=1)
    shares = estimate_shares(np.concatenate([hit, hit], axis=1), wholes, sampling)
    f1 = estimate_of_sums(lambda sums: _f1(*np.split(sums, 3, axis=1)), np.concatenate([hit, wholes], axis=1), sampling)
    held, named = true.sum(axis=0).tolist(), said.sum(axis=0).tolist()
    return tuple(
        ClassFigures(name, held[at], named[at], shares[at], shares[at + len(names)], f1[at])
        for at, name in enumerate(names)
    )


def _means(
    labels: Int[np.ndarray, " N"], called: Int[np.ndarray, " N"], classes: int, sampling: Sampling
) -> tuple[Interval, ...]:
    """Return the means of recall, precision and F1; a class where one is not defined is left out of it."""
    true, said = _of_class(labels, called, classes)

    def means(sums: Float[np.ndarray, "R K3"]) -> Float[np.ndarray, "R 3"]:
        hits, trues, saids = np.split(sums, 3, axis=1)
        rates = share(hits, trues), share(hits, saids), _f1(hits, trues, saids)
        return np.stack([mean_of_defined(one, axis=1) for one in rates], axis=1)

    return estimate_of_sums(means, np.concatenate([true & said, true, said], axis=1), sampling)


def _f1(
    hits: Float[np.ndarray, "R K"], true: Float[np.ndarray, "R K"], said: Float[np.ndarray, "R K"]
) -> Float[np.ndarray, "R K"]:
    return share(2 * hits, true + said)


def _of_class(
    labels: Int[np.ndarray, " N"], called: Int[np.ndarray, " N"], classes: int
) -> tuple[Bool[np.ndarray, "N K"], Bool[np.ndarray, "N K"]]:
    """Return whether each image is of each class, and whether it is called so."""
    names = np.arange(classes)
    return labels[:, None] == names, called[:, None] == names


def _check(predictions: Predictions, positive: str) -> None:
    if len(predictions.classes) < 2:
        raise PredictionsError(f"one class alone ({', '.join(predictions.classes)}) cannot be taken for another")
    if positive not in predictions.classes:
        raise PredictionsError(f"no probability of {positive}; known: {', '.join(predictions.classes)}")
    if bare := int((predictions.labels < 0).sum()):
        raise PredictionsError(
            f"{bare} of {len(predictions.labels)} images have no label; a confusion matrix needs the truth of each: "
            "label these or leave them out"
        )
