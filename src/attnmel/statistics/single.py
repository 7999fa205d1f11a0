"""Measures of one predictor on some images, each with its interval."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from attnmel.arguments import FromZero, checked_arguments
from attnmel.errors import ConfigError, PredictionsError, counted
from attnmel.evaluation.classification.ranking import THRESHOLD
from attnmel.evaluation.classification.report import ClassificationReport, evaluate_classification
from attnmel.evaluation.comparison.align import halved
from attnmel.evaluation.statistics.bootstrap import (
    CONFIDENCE,
    RESAMPLES,
    Interval,
    bca_interval,
    bootstrap,
    jackknife,
    percentile_interval,
)
from attnmel.evaluation.statistics.delong import areas
from attnmel.evaluation.statistics.proportions import share_interval
from attnmel.evaluation.statistics.sampling import Sampling
from attnmel.files.data_frames import frame
from attnmel.records import REST, Predictions
from attnmel.statistics.inputs import Column, Columns, Data

if TYPE_CHECKING:
    from pandas import DataFrame

POSITIVE = "positive"
"""Task of the measures where no class is named."""


@dataclasses.dataclass(frozen=True)
class Value:
    """One value with its interval; NaN where it, or its uncertainty, is not known."""

    measure: str
    value: float
    low: float
    high: float
    method: str
    """How the interval was made."""
    images: int
    groups: int
    """Lesions or patients; as many as images where none repeats."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return dataclasses.asdict(self)

    def to_frame(self) -> "DataFrame":
        """Return a table of one row."""
        return frame([self.to_dict()])


@dataclasses.dataclass(frozen=True)
class Measures:
    """Every measure of one predictor, with intervals."""

    report: ClassificationReport

    def __repr__(self) -> str:
        return f"Measures({counted(len(self.report.rows), 'measure')}; see ['auc'], .to_dict() and .to_frame())"

    def __getitem__(self, measure: str) -> Interval:
        """Return value and interval of a measure of the first task."""
        row = self.report.row(self.report.rows[0].task, measure)
        return row.interval

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as in the measures of a run folder."""
        return self.report.to_dict()

    def to_frame(self) -> "DataFrame":
        """Return a table with a row for each task and measure."""
        names = ("task", "measure", "value", "low", "high", "method", "positives", "images")
        return frame({name: getattr(row, name) for name in names} for row in self.report.rows)


@checked_arguments()
def auc(
    truth: Column,
    score: Column,
    groups: Column | None = None,
    *,
    data: Data | None = None,
    positive: object = None,
    confidence: float = CONFIDENCE,
) -> Value:
    """Return the area under the ROC curve with DeLong's interval, by lesion or patient where groups are given.

    Shapes: `truth`, `score` and `groups` N values. Range: [0, 1]; the interval is made on the logit scale, and NaN at 0
    and 1. Only the order of the scores matters. Images of one group are taken as one draw (Obuchowski 1997); without
    groups, or where none repeats, the interval is that of DeLong, DeLong and Clarke-Pearson 1988.

    Raises:
        PredictionsError: columns that do not fit, or images of one kind alone.
        ConfigError: a confidence outside (0, 1).
    """
    columns = Columns(data)
    positives, scores = columns.truth("truth", truth, positive), columns.scores("score", score)
    units = columns.groups(groups)
    found = areas(positives, scores[:, None], units).interval(0, checked_confidence(confidence))
    return Value("auc", *found, method="DeLong", images=len(scores), groups=_count(units, len(scores)))


@checked_arguments()
def proportion(
    part: Column, among: Column | None = None, groups: Column | None = None, *, data: Data | None = None
) -> Value:
    """Return the share of the images `among` which are in the `part`, with Wilson's 95 % interval: sensitivity, recall.

    Shapes: `part`, `among` and `groups` N values of 0 and 1 (groups: any). Range: [0, 1]; the interval has a lower end
    at 1 and an upper end at 0, too. Images of one group count as fewer, by the jackknife (Wilson 1927; Korn and
    Graubard 1998).

    Raises:
        PredictionsError: columns that do not fit, or no image `among`.
    """
    columns = Columns(data)
    hits = columns.truth("part", part)
    whole = np.ones_like(hits) if among is None else columns.truth("among", among)
    units = columns.groups(groups) or tuple(map(str, range(len(hits))))
    if not whole.any():
        raise PredictionsError("no image to take a share of; expected at least one image with among = 1")
    taken, counted = hits[whole].astype(np.float64), [units[place] for place in np.flatnonzero(whole).tolist()]

    def shares(weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R 1"]:
        return (weights @ taken / weights.sum(axis=1))[:, None]

    error = float(jackknife(shares, Sampling.of(counted)).error[0])
    found = share_interval(float(taken.mean()), error, len(set(counted)))
    return Value("proportion", *found, method="Wilson", images=len(counted), groups=len(set(counted)))


@checked_arguments()
def measures(
    truth: Column,
    probability: Column,
    groups: Column | None = None,
    *,
    data: Data | None = None,
    positive: object = None,
    threshold: float = THRESHOLD,
    resamples: int = RESAMPLES,
    seed: FromZero = 0,
) -> Measures:
    """Return AUC, AP, sensitivity, specificity and balanced accuracy of one class against the rest, with intervals.

    Shapes: N values each. Range: all in [0, 1]. An image is called positive strictly above the `threshold`. Resamples
    are stratified by class and drawn by group; each measure has DeLong's, Wilson's or the logit interval
    (docs/reference/evaluation.md), and percentile and BCa intervals in `to_dict()`.

    Raises:
        PredictionsError: columns that do not fit, a probability outside [0, 1], or images of one kind alone.
        ConfigError: a threshold outside [0, 1), or fewer than one resample.
    """
    columns = Columns(data)
    labels, shares = columns.truth("truth", truth, positive), checked_probabilities(columns, "probability", probability)
    moved = shares if checked_threshold(threshold) == THRESHOLD else halved(shares, threshold)
    predictions = one_class(labels, moved, columns.groups(groups), class_name(positive))
    return Measures(evaluate_classification(predictions, (predictions.classes[1],), resamples=resamples, seed=seed))


@checked_arguments()
def stratified_interval(
    statistic: Callable[[Float[np.ndarray, "R N"]], Sequence[float] | np.ndarray],
    images: int,
    strata: Column | None = None,
    groups: Column | None = None,
    *,
    data: Data | None = None,
    method: str = "percentile",
    resamples: int = RESAMPLES,
    seed: FromZero = 0,
    confidence: float = CONFIDENCE,
) -> Value:
    """Return a statistic of your own with its interval over resamples that are stratified and drawn by group.

    Shapes: `statistic` takes weights of shape (R, N), how often each of the N `images` was drawn in each of R
    resamples, and returns R values; `strata` (the classes) and `groups` have N values. Each resample holds as many
    groups of a stratum as there are. `method`: "percentile" or "bca" (Efron and Tibshirani 1993, chapters 13 and 14).
    Resamples where the statistic is NaN are left out.

    Raises:
        ConfigError: an unknown method, fewer than one resample, a confidence outside (0, 1), or a statistic that does
            not return a value for each row of weights.
        PredictionsError: columns that do not fit.
    """
    if method not in ("percentile", "bca"):
        raise ConfigError(f"unknown method '{method}'; known: bca, percentile")
    columns, level = Columns(data), checked_confidence(confidence)
    of_class = None if strata is None else _numbered(columns, strata)
    units = columns.groups(groups) or tuple(map(str, range(images)))
    for what, length in (("strata", images if of_class is None else len(of_class)), ("groups", len(units))):
        if length != images:
            raise PredictionsError(f"{what} has {length} values; expected one for each of the {images} images")

    def one_column(weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R 1"]:
        found = statistic(weights)
        try:
            values = np.asarray(found, dtype=np.float64)
        except (TypeError, ValueError):
            raise ConfigError(f"the statistic returned what is no number ({found!r:.60}); expected numbers") from None
        if values.shape != (len(weights),):
            raise ConfigError(
                f"the statistic returned the shape {values.shape} for weights of shape {weights.shape}; expected one "
                "value for each row"
            )
        return values[:, None]

    sampling = Sampling.of(units, of_class)
    value = float(one_column(np.ones((1, images)))[0, 0])
    draws = bootstrap(one_column, sampling, resamples=resamples, seed=seed)[:, 0]
    if method == "bca":
        found = bca_interval(value, draws, float(jackknife(one_column, sampling).acceleration[0]), level)
    else:
        found = percentile_interval(value, draws, level)
    return Value("statistic", *found, method=method, images=images, groups=sampling.units)


def class_name(positive: object) -> str:
    """Return the name of the positive class: `POSITIVE` where none is named, or that of all others, `REST`."""
    return POSITIVE if positive is None or str(positive) == REST else str(positive)


def one_class(
    labels: np.ndarray, shares: Float[np.ndarray, " N"], groups: Sequence[str] | None, name: str
) -> Predictions:
    """Return predictions of one class against the rest; each image is a group of its own where none is known."""
    ids = tuple(map(str, range(len(labels))))
    both = np.stack([1 - shares, shares], axis=1)
    return Predictions(ids, (REST, name), both, labels.astype(np.int64), tuple(groups or ids))


def checked_probabilities(columns: Columns, what: str, column: Column) -> Float[np.ndarray, " N"]:
    """Return a column of probabilities.

    Raises:
        PredictionsError: as `Columns.scores`, or a value outside [0, 1].
    """
    shares = columns.scores(what, column)
    if ((shares < 0) | (shares > 1)).any():
        raise PredictionsError(
            f"{what} is from {shares.min():g} to {shares.max():g}; expected probabilities in [0, 1] (`auc` and "
            "`auc_difference` take any scores)"
        )
    return shares


def checked_threshold(threshold: float) -> float:
    """Return the threshold.

    Raises:
        ConfigError: it is no probability that another one can be above.
    """
    if not 0 <= threshold < 1:
        raise ConfigError(f"a threshold of {threshold:g}; expected a probability of at least 0 and below 1")
    return threshold


def checked_confidence(confidence: float) -> float:
    """Return the confidence.

    Raises:
        ConfigError: it is no share between 0 and 1.
    """
    if not 0 < confidence < 1 or math.isnan(confidence):
        raise ConfigError(f"a confidence of {confidence:g}; expected a share between 0 and 1, such as 0.95")
    return confidence


def _numbered(columns: Columns, strata: Column) -> np.ndarray:
    """Return the number of each image's stratum."""
    names = columns.names("strata", strata)  # refuses what is missing
    values = columns.values("strata", strata)
    return np.unique(names if values.dtype == object else values, return_inverse=True)[1]


def _count(groups: Sequence[str] | None, images: int) -> int:
    return images if groups is None else len(set(groups))
