"""Which class is taken for which, and recall, precision and F1 of each class.

Three or more classes are called by the highest probability; one that two classes share calls none, as in the ISIC 2018
scoring program, and stands in a column of its own. Two classes are called at 0.5: the positive strictly above it.

Shapes: N images, K classes, C columns of the matrix.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from attnmel.errors import PredictionsError
from attnmel.evaluation.estimates import estimate, estimate_shares, share
from attnmel.evaluation.intervals import RESAMPLES, Interval, Sampling
from attnmel.evaluation.metrics import THRESHOLD
from attnmel.records import Predictions

UNDECIDED = "undecided"
"""Column of the images whose highest probability two classes share; there only if there are any."""


@dataclass(frozen=True)
class ClassFigures:
    """How one class is recognised, each figure with its 95 % interval."""

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
    resamples: int


def confusion(predictions: Predictions, positive: str, *, resamples: int = RESAMPLES, seed: int = 0) -> Confusion:
    """Count true against called classes; of two classes `positive` is the one that is called above 0.5.

    Raises:
        PredictionsError: an unlabelled image, a single class, or a positive that is not predicted.
        ConfigError: fewer than one resample.
    """
    _check(predictions, positive)
    labels, classes = predictions.labels, predictions.classes
    called = call(predictions.probabilities, None if len(classes) > 2 else classes.index(positive))
    columns = (*classes, UNDECIDED) if (called == len(classes)).any() else classes
    cells = _cells(labels, called, len(classes), len(columns))
    counts = cells.sum(axis=0).astype(int).reshape(len(classes), len(columns))
    sampling = Sampling.of(predictions.groups, labels)
    rows = np.repeat(np.eye(len(classes))[labels], len(columns), axis=1)
    shares = estimate_shares(cells, rows, sampling, resamples=resamples, seed=seed)
    means = _means(labels, called, len(classes), sampling, resamples, seed)
    return Confusion(
        classes=classes,
        called=columns,
        counts=tuple(tuple(row) for row in counts.tolist()),
        shares=tuple(tuple(shares[row * len(columns) :][: len(columns)]) for row in range(len(classes))),
        by_class=_by_class(classes, labels, called, sampling, resamples, seed),
        accuracy=means[0],
        mean_recall=means[1],
        mean_precision=means[2],
        mean_f1=means[3],
        images=len(labels),
        resamples=resamples,
    )


def call(probabilities: Float[np.ndarray, "N K"], positive: int | None) -> Int[np.ndarray, " N"]:
    """Return the class that each image is called; K where the highest probability is shared.

    With `positive`, the place of one of two classes, that one strictly above 0.5 and the other at or below it.
    """
    if positive is not None:
        return np.where(probabilities[:, positive] > THRESHOLD, positive, 1 - positive)
    highest = probabilities == probabilities.max(axis=1, keepdims=True)
    return np.where(highest.sum(axis=1) == 1, highest.argmax(axis=1), probabilities.shape[1])


def _cells(
    labels: Int[np.ndarray, " N"], called: Int[np.ndarray, " N"], classes: int, columns: int
) -> Float[np.ndarray, "N cells"]:
    """Return which cell of the matrix each image is in, row after row."""
    return np.eye(classes * columns)[labels * columns + called]


def _by_class(
    classes: tuple[str, ...],
    labels: Int[np.ndarray, " N"],
    called: Int[np.ndarray, " N"],
    sampling: Sampling,
    resamples: int,
    seed: int,
) -> tuple[ClassFigures, ...]:
    """Return recall, precision and F1 of each class."""
    true, said = _of_class(labels, called, len(classes))
    hit = true * said
    parts, wholes = np.concatenate([hit, hit, 2 * hit], axis=1), np.concatenate([true, said, true + said], axis=1)
    found = estimate_shares(parts, wholes, sampling, resamples=resamples, seed=seed)
    held, named = true.sum(axis=0).astype(int).tolist(), said.sum(axis=0).astype(int).tolist()
    return tuple(
        ClassFigures(name, held[place], named[place], *found[place :: len(classes)])
        for place, name in enumerate(classes)
    )


def _means(
    labels: Int[np.ndarray, " N"],
    called: Int[np.ndarray, " N"],
    classes: int,
    sampling: Sampling,
    resamples: int,
    seed: int,
) -> tuple[Interval, ...]:
    """Return accuracy and the means of recall, precision and F1; a class where one is not defined is left out of it."""
    true, said = _of_class(labels, called, classes)
    sums_of = np.concatenate([true * said, true, said], axis=1)

    def means(weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R M"]:
        hits, held, named = np.split(weights @ sums_of, 3, axis=1)
        rates = (share(hits, held), share(hits, named), share(2 * hits, held + named))
        accuracy = hits.sum(axis=1) / weights.sum(axis=1)
        return np.stack([accuracy, *(_mean_of_defined(rate) for rate in rates)], axis=1)

    return estimate(means, sampling, resamples=resamples, seed=seed)


def _of_class(
    labels: Int[np.ndarray, " N"], called: Int[np.ndarray, " N"], classes: int
) -> tuple[Float[np.ndarray, "N K"], Float[np.ndarray, "N K"]]:
    """Return whether each image is of each class, and whether it is called so."""
    return np.eye(classes)[labels], np.eye(classes + 1)[called][:, :classes]


def _mean_of_defined(rates: Float[np.ndarray, "R K"]) -> Float[np.ndarray, " R"]:
    defined = ~np.isnan(rates)
    return share(np.where(defined, rates, 0.0).sum(axis=1), defined.sum(axis=1).astype(np.float64))


def _check(predictions: Predictions, positive: str) -> None:
    if len(predictions.classes) < 2:
        raise PredictionsError(f"one class alone ({predictions.classes[0]}) cannot be taken for another")
    if positive not in predictions.classes:
        raise PredictionsError(f"no probability of {positive}; known: {', '.join(predictions.classes)}")
    if bare := int((predictions.labels < 0).sum()):
        raise PredictionsError(
            f"{bare} of {len(predictions.labels)} images have no label; a confusion matrix needs the truth of each: "
            "label these or leave them out"
        )
