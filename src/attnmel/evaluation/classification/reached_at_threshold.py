"""What given thresholds reach on some images, each value with its 95 % interval.

An image is called positive strictly above a threshold. The values at a fixed threshold are those of the evaluated
images alone; resamples in which the validation images choose the threshold anew show how uncertain the choice makes
them.

Shapes: N images, R resamples, M values, P thresholds.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from attnmel.evaluation.classification.choose_threshold import (
    called_at,
    chosen_threshold,
    partial_area,
    precision_at,
    rates_at,
    specificity_at,
)
from attnmel.evaluation.classification.ranking import Ranking
from attnmel.evaluation.statistics.bootstrap import Interval, without_width
from attnmel.evaluation.statistics.estimators import NOTHING, estimate, estimate_shares
from attnmel.evaluation.statistics.sampling import Sampling
from attnmel.records import Predictions


@dataclass(frozen=True)
class Reached:
    """What a threshold reaches, each value with its 95 % interval."""

    sensitivity: Interval
    specificity: Interval
    ppv: Interval
    """Share of those called positive that are, at the share of positives among the evaluated images."""
    npv: Interval


@dataclass(frozen=True)
class OperatingPoint:
    """One threshold on the evaluated images."""

    target: float
    """Sensitivity that the threshold was chosen for; NaN for the threshold of 0.5."""
    threshold: float
    """Called positive strictly above it; NaN where no validation images could choose it."""
    true_positives: int
    false_positives: int
    reached: Reached
    """Wilson's intervals, of the evaluated images alone: the threshold is taken as given."""
    precision: tuple[Interval, ...]
    """The PPV that sensitivity and specificity give at each of the prevalences, by Bayes; the threshold as given."""
    validation_sensitivity: float = np.nan
    """Reached on the images that chose the threshold: the target or a little more; NaN in a subgroup."""
    read_off: Interval = NOTHING
    """Specificity at the target on the evaluated images' own ROC curve: optimistic."""
    redrawn: Reached | None = None
    """As `reached`, with percentile intervals of resamples in which the validation images choose anew, too."""


@dataclass(frozen=True)
class ThresholdColumns:
    """All values of one task as one function of the resample weights: of the evaluated images, then of validation."""

    evaluated: Ranking
    chosen_on: Ranking | None
    aims: tuple[tuple[float, float], ...]
    """Target and threshold of each point; the threshold of 0.5 has the target NaN."""
    prevalences: tuple[float, ...]

    def __call__(self, weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R M"]:
        """Return the values point by point, last the partial area."""
        images, none = len(self.evaluated.order), np.full(len(weights), np.nan)
        counts = self.evaluated.counts(weights[:, :images])
        anew = None if self.chosen_on is None else self.chosen_on.counts(weights[:, images:])
        columns = []
        for target, threshold in self.aims:
            sensitivity, specificity, *_ = rates_at(counts, np.full(len(weights), threshold))
            columns += [precision_at(sensitivity, specificity, prevalence) for prevalence in self.prevalences]
            if anew is None or np.isnan(target):
                columns += [none] * 4
            else:
                columns += rates_at(counts, chosen_threshold(anew, target))
            columns.append(none if np.isnan(target) else specificity_at(counts, target))
        return np.stack([*columns, partial_area(counts)], axis=1)


def points_of(
    columns: ThresholdColumns,
    predictions: Predictions,
    name: str,
    sampling: Sampling,
    *,
    redrawn: bool,
    resamples: int,
    seed: int,
) -> tuple[tuple[OperatingPoint, ...], Interval]:
    """Return the points and the partial area, whose ends are NaN where no resample differs."""
    *values, partial = estimate(columns, sampling, resamples=resamples, seed=seed)
    given = reached_above(predictions, name, np.array([threshold for _, threshold in columns.aims]))
    width = len(columns.prevalences) + 5
    rows = [tuple(values[start : start + width]) for start in range(0, len(values), width)]
    points = (
        _point(columns, aim, row, reached, redrawn=redrawn)
        for aim, row, reached in zip(columns.aims, rows, given, strict=True)
    )
    return tuple(points), without_width(partial)


def sampling_of(predictions: Predictions, validation: Predictions | None) -> Sampling:
    """Draw the evaluated and the validation images as strata of their own, each by class."""
    if validation is None:
        return Sampling.of(predictions.groups, predictions.labels)
    groups = [f"evaluated {group}" for group in predictions.groups] + [f"chose {group}" for group in validation.groups]
    labels = np.concatenate([predictions.labels, validation.labels + len(predictions.classes) + 1])
    return Sampling.of(groups, labels)


def reached_above(
    predictions: Predictions, name: str, thresholds: Float[np.ndarray, " P"]
) -> tuple[tuple[Interval, ...], ...]:
    """Return sensitivity, specificity, PPV and NPV of the evaluated images above each threshold, taken as given.

    Each with Wilson's interval, by threshold; NaN where no image counts.
    """
    positive = np.repeat(predictions.is_class(name)[:, None], len(thresholds), axis=1)
    called = predictions.probability(name)[:, None] > thresholds
    hit, cleared = positive & called, ~positive & ~called
    values = estimate_shares(
        np.concatenate([hit, cleared, hit, cleared], axis=1),
        np.concatenate([positive, ~positive, called, ~called], axis=1),
        sampling_of(predictions, None),
    )
    return tuple(values[place :: len(thresholds)] for place in range(len(thresholds)))


def _point(
    columns: ThresholdColumns,
    aim: tuple[float, float],
    row: tuple[Interval, ...],
    given: tuple[Interval, ...],
    *,
    redrawn: bool,
) -> OperatingPoint:
    """Name the values of one point: those of its row are bootstrapped, those given have a fixed threshold."""
    (target, threshold), at_half = aim, np.isnan(aim[0])
    bayes, again, read_off = row[:-5], row[-5:-1], without_width(row[-1])
    if np.isnan(threshold):
        return OperatingPoint(target, threshold, 0, 0, Reached(*(NOTHING,) * 4), bayes, read_off=read_off)
    reached, at = Reached(*given), np.array([threshold])
    true, false = (int(one[0]) for one in called_at(columns.evaluated.counts(), at))
    chose = None if at_half or columns.chosen_on is None else columns.chosen_on.counts()
    by_prevalence = zip(bayes, columns.prevalences, strict=True)
    return OperatingPoint(
        target=target,
        threshold=threshold,
        true_positives=true,
        false_positives=false,
        reached=reached,
        precision=tuple(_or_by_ends(one, reached, prevalence) for one, prevalence in by_prevalence),
        validation_sensitivity=np.nan if chose is None else float(rates_at(chose, at)[0][0]),
        read_off=read_off,
        redrawn=Reached(*map(_or_given, again, given)) if redrawn and not at_half else None,
    )


def _or_given(redrawn: Interval, given: Interval) -> Interval:
    """Return a bootstrapped interval as it is, or the given one where no resample differs."""
    return redrawn if redrawn.low < redrawn.high else given


def _or_by_ends(precision: Interval, reached: Reached, prevalence: float) -> Interval:
    """Return a precision's interval as it is, or by the ends of its two rates where no resample differs."""
    if precision.low < precision.high or np.isnan(precision.value):
        return precision
    rates = zip(reached.sensitivity[1:], reached.specificity[1:], strict=True)
    low, high = (float(precision_at(np.array([se]), np.array([sp]), prevalence)[0]) for se, sp in rates)
    return Interval(precision.value, low, high)
