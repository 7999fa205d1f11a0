"""Predictions -> every measure with its interval: what `evaluate` writes and the report shows."""

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from attnmel.errors import PredictionsError, listed
from attnmel.evaluation.intervals import RESAMPLES, Sampling, bootstrap, percentile_interval
from attnmel.evaluation.metrics import MEASURES, Hits, Ranking
from attnmel.records import Predictions

MEAN = "mean"
"""Task of the unweighted mean over the positives; of ISIC 2017's two tasks it is the AUC that ranked the challenge."""

ALL_CLASSES = "all classes"
"""Task of the balanced accuracy of three or more classes: mean recall by the highest probability."""

FEW = 10
"""Below so many images on one side, the percentile bootstrap's intervals are known to be too narrow."""


@dataclass(frozen=True)
class Panel:
    """All measures of one predictions record as one function of the resample weights."""

    rankings: dict[str, Ranking]
    hits: Hits | None

    @staticmethod
    def of(predictions: Predictions, positives: Sequence[str]) -> "Panel":
        """Sort the images once for each class that is judged against the rest.

        Raises:
            PredictionsError: an unlabelled image, a probability that is not finite, a class that is not predicted, or
                one with all images or none.
        """
        _check(predictions, positives)
        rankings = {name: Ranking.of(predictions.is_class(name), predictions.probability(name)) for name in positives}
        several = len(predictions.classes) > 2
        return Panel(rankings, Hits.of(predictions.labels, predictions.probabilities) if several else None)

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """Task and measure of each column."""
        names = [(task, measure) for task in self.rankings for measure in MEASURES]
        if len(self.rankings) > 1:
            names.append((MEAN, "auc"))
        if self.hits is not None:
            names.append((ALL_CLASSES, "balanced_accuracy"))
        return tuple(names)

    def __call__(self, weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R M"]:
        """Compute every measure on every resample."""
        columns = []
        for ranking in self.rankings.values():
            counts = ranking.counts(weights)
            columns += [measure(counts) for measure in MEASURES.values()]
        if len(self.rankings) > 1:
            # Each task fills len(MEASURES) columns, its AUC in the same place of each.
            columns.append(np.mean(columns[list(MEASURES).index("auc") :: len(MEASURES)], axis=0))
        if self.hits is not None:
            columns.append(self.hits.mean_recall(weights))
        return np.stack(columns, axis=1)

    def values(self) -> dict[tuple[str, str], float]:
        """Return every measure on the images as they are."""
        images = len(next(iter(self.rankings.values())).order)
        return dict(zip(self.names, self(np.ones((1, images)))[0].tolist(), strict=True))


@dataclass(frozen=True)
class Row:
    """One measure of one task with its 95 % interval."""

    task: str
    """The class that is judged against the rest, or `MEAN`, or `ALL_CLASSES`."""
    measure: str
    value: float
    low: float
    high: float
    positives: int | None
    """Images of the class; None for a task of several classes."""
    images: int


@dataclass(frozen=True)
class Judgement:
    """Every measure of one predictions record, and how the intervals were made."""

    rows: tuple[Row, ...]
    counts: dict[str, int]
    """Images of each class."""
    images: int
    units: int
    """Lesions or patients that were resampled; as many as images where no group repeats."""
    resamples: int
    seed: int
    notes: tuple[str, ...] = ()
    """What a reader of the intervals must know, a sentence each."""

    def row(self, task: str, measure: str) -> Row:
        """Return one row.

        Raises:
            PredictionsError: there is none; lists those there are.
        """
        for row in self.rows:
            if (row.task, row.measure) == (task, measure):
                return row
        known = ", ".join(f"{row.task}/{row.measure}" for row in self.rows)
        raise PredictionsError(f"no measure '{task}/{measure}'; known: {known}")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; an end that is not defined becomes null."""
        plain = dataclasses.asdict(self)
        plain["rows"] = [{key: _or_none(value) for key, value in row.items()} for row in plain["rows"]]
        plain["notes"] = list(self.notes)
        return plain

    @staticmethod
    def from_dict(plain: dict[str, Any]) -> "Judgement":
        """Read what `to_dict` gave."""
        rows = tuple(
            Row(**row | {end: math.nan if row[end] is None else row[end] for end in ("value", "low", "high")})
            for row in plain["rows"]
        )
        return Judgement(**plain | {"rows": rows, "notes": tuple(plain["notes"])})


def judge(
    predictions: Predictions, positives: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0
) -> Judgement:
    """Measure each positive class against the rest, with 95 % stratified bootstrap intervals.

    Rows stand by task, then by measure; two or more positives add the mean of their AUCs, three or more classes their
    balanced accuracy. All measures share the resamples.

    Raises:
        PredictionsError: an unlabelled image, a probability that is not finite, a class that is not predicted, or one
            with all images or none.
        ConfigError: fewer than one resample.
    """
    panel = Panel.of(predictions, positives)
    sampling = Sampling.of(predictions.groups, predictions.labels)
    draws = bootstrap(panel, sampling, resamples=resamples, seed=seed)
    counts = _class_counts(predictions)
    images = len(predictions.image_ids)
    rows = tuple(
        Row(task, measure, *percentile_interval(value, draws[:, column]), counts.get(task), images)
        for column, ((task, measure), value) in enumerate(panel.values().items())
    )
    notes = (*_few_notes(counts, positives, images), *_still_notes(rows))
    return Judgement(rows, counts, images, sampling.units, resamples, seed, notes)


def main_value(predictions: Predictions, positives: Sequence[str], measure: str) -> float:
    """Return the one figure that chooses the best epoch, without an interval.

    Balanced accuracy of three or more classes is their mean recall; any other measure is averaged over the positives.

    Raises:
        PredictionsError: as `judge`.
    """
    values = Panel.of(predictions, positives).values()
    if measure == "balanced_accuracy" and (ALL_CLASSES, measure) in values:
        return values[ALL_CLASSES, measure]
    return float(np.mean([values[name, measure] for name in positives]))


def _check(predictions: Predictions, positives: Sequence[str]) -> None:
    unlabelled = [name for name, label in zip(predictions.image_ids, predictions.labels, strict=True) if label < 0]
    if unlabelled:
        raise PredictionsError(
            f"{len(unlabelled)} of {len(predictions.image_ids)} images have no label ({listed(unlabelled)}); "
            "measures need the truth of every image: label these or leave them out"
        )
    rows = np.flatnonzero(~np.isfinite(predictions.probabilities).all(axis=1))
    if bad := [predictions.image_ids[row] for row in rows.tolist()]:
        raise PredictionsError(
            f"{len(bad)} of {len(predictions.image_ids)} images have a probability that is not finite ({listed(bad)}); "
            "expected numbers in [0, 1]: predict them again from a checkpoint that is sound"
        )
    if not positives:
        raise PredictionsError(f"no class to judge; name one of: {', '.join(predictions.classes)}")
    if unknown := [name for name in positives if name not in predictions.classes]:
        raise PredictionsError(f"no probability of {', '.join(unknown)}; known: {', '.join(predictions.classes)}")
    counts = _class_counts(predictions)
    images = len(predictions.image_ids)
    for name in positives:
        if counts[name] in (0, images):
            held = ", ".join(f"{count} {other}" for other, count in counts.items())
            raise PredictionsError(
                f"{counts[name]} of {images} images are {name} ({held}); "
                f"measures of {name} against the rest need images of both kinds"
            )


def _class_counts(predictions: Predictions) -> dict[str, int]:
    held = Counter(predictions.labels.tolist())
    return {name: held[index] for index, name in enumerate(predictions.classes)}


def _few_notes(counts: dict[str, int], positives: Sequence[str], images: int) -> list[str]:
    return [
        f"{name}: {counts[name]} images against {images - counts[name]}; with fewer than {FEW} on a side "
        "the intervals are too narrow"
        for name in positives
        if min(counts[name], images - counts[name]) < FEW
    ]


def _still_notes(rows: Sequence[Row]) -> list[str]:
    return [
        f"{row.task}: {row.measure} is {row.value:g} in every resample; a bootstrap cannot show how uncertain that is"
        for row in rows
        if row.low == row.high
    ]


def _or_none(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value
