"""Operating points: thresholds chosen on the validation images, and what they reach on others.

An image is called positive strictly above a threshold, here as everywhere. The threshold for a sensitivity is the
highest that reaches it on the validation images: just below the score of the positive that completes it. The judged
images play no part in it, so what is reached there may be more or less than was aimed at. Beside it stands the
specificity that the judged images' own ROC curve has at that sensitivity, as the challenges' programs compute it: its
threshold is chosen with the answers at hand, so it is optimistic.

Shapes: N images, R resamples, T distinct scores, M figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from attnmel.errors import ConfigError
from attnmel.evaluation.classification.metric_set import MetricSet
from attnmel.evaluation.classification.ranking import THRESHOLD, Counts, Ranking, Values
from attnmel.evaluation.classification.report import FEW
from attnmel.evaluation.classification.thresholds import (
    LEAST,
    called_at,
    chosen_threshold,
    partial_area,
    precision_at,
    rates_at,
    specificity_at,
)
from attnmel.evaluation.statistics.bootstrap import RESAMPLES, Interval, Sampling
from attnmel.evaluation.statistics.estimates import NOTHING, estimate, estimate_shares
from attnmel.records import Predictions

SENSITIVITIES = (0.82, 0.89, 0.95)
"""Those of the ISIC 2017 challenge: dermatologists' average, and two that a screening would ask for."""

PREVALENCES = (0.02, 0.1)
"""Shares of melanoma that are nearer to a practice than a challenge's test set is."""


@dataclass(frozen=True)
class Reached:
    """What a threshold reaches, each figure with its 95 % interval."""

    sensitivity: Interval
    specificity: Interval
    ppv: Interval
    """Share of those called positive that are, at the share of positives among the judged images."""
    npv: Interval


@dataclass(frozen=True)
class OperatingPoint:
    """One threshold on the judged images."""

    target: float
    """Sensitivity aimed at; NaN for the threshold of 0.5, which aims at none."""
    threshold: float
    """Called positive strictly above it; NaN where no validation images could choose it."""
    validation_sensitivity: float
    """Reached on the images that chose the threshold: the target or a little more."""
    true_positives: int
    false_positives: int
    reached: Reached
    """Wilson's intervals, of the judged images alone: the threshold is taken as given."""
    precision: tuple[Interval, ...]
    """The PPV that sensitivity and specificity give at each of the prevalences, by Bayes; the threshold as given."""
    read_off: Interval
    """Specificity at the target on the judged images' own ROC curve: optimistic."""
    redrawn: Reached | None = None
    """As `reached`, with percentile intervals of resamples in which the validation images choose anew, too."""


@dataclass(frozen=True)
class Operating:
    """All operating points of one class against the rest."""

    task: str
    positives: int
    negatives: int
    validation_positives: int
    """Among the images that chose the thresholds; 0 where there were none."""
    validation_images: int
    shared: int
    """Judged images that also chose the thresholds: where there are any, the figures are optimistic."""
    prevalences: tuple[float, ...]
    points: tuple[OperatingPoint, ...]
    """First the threshold of 0.5, then by rising target."""
    partial_area: Interval
    """Area between the ROC curve and a sensitivity of 0.8, at most 0.2."""
    partial_share: Interval
    """The same as a share of the most there can be."""
    resamples: int

    @property
    def sentence(self) -> str:
        """Return what chose the thresholds, in one line, with its notes."""
        chose = f"chosen on {self.validation_images} validation images ({self.validation_positives} {self.task})"
        told = f"operating points, called {self.task} strictly above a threshold {chose}"
        return "\nnote: ".join([told if self.validation_positives else "operating points", *self.notes])

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the thresholds must know, a sentence each."""
        if not self.validation_positives:
            return (
                f"no validation image of {self.task} could choose a threshold: judge the split 'validation' first, "
                "then this one again",
            )
        if self.shared:
            images = self.positives + self.negatives
            return (
                f"{self.shared} of the {images} images judged here also chose the thresholds of {self.task}: what "
                "these reach is optimistic",
            )
        if self.validation_positives < FEW:
            return (
                f"{self.validation_positives} validation images of {self.task} chose the thresholds: so few place them "
                "by chance",
            )
        return ()


def operating_points(
    predictions: Predictions,
    name: str,
    *,
    validation: Predictions | None = None,
    sensitivities: Sequence[float] = SENSITIVITIES,
    prevalences: Sequence[float] = PREVALENCES,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Operating:
    """Judge one class against the rest at thresholds that were chosen on the validation images.

    Without validation images, or without a positive among them, the points of the sensitivities hold nothing but what
    is read off the judged images' own ROC curve.

    Raises:
        PredictionsError: as `judge`.
        ConfigError: as `check_points`, or fewer than one resample.
    """
    check_points(sensitivities, prevalences)
    judged = MetricSet.of(predictions, [name]).rankings[name]
    if validation is not None and not validation.is_class(name).any():
        validation = None
    chosen_on = None if validation is None else Ranking.of(validation.is_class(name), validation.probability(name))
    shared = 0 if validation is None else len(set(predictions.image_ids) & set(validation.image_ids))
    columns = _Columns(judged, chosen_on, tuple(sorted(set(sensitivities))), tuple(sorted(set(prevalences))))
    figures = estimate(columns, _sampling(predictions, validation), resamples=resamples, seed=seed)
    *by_point, (partial,) = columns.parted(figures)
    given = reached_above(predictions, name, np.array([columns.aim(number)[1] for number in range(len(by_point))]))
    return Operating(
        task=name,
        positives=int(judged.positive.sum()),
        negatives=int((~judged.positive).sum()),
        validation_positives=int(chosen_on.positive.sum()) if chosen_on else 0,
        validation_images=len(chosen_on.order) if chosen_on else 0,
        shared=shared,
        prevalences=columns.prevalences,
        points=tuple(
            _point(columns, number, row, given[number], redrawn=chosen_on is not None and not shared)
            for number, row in enumerate(by_point)
        ),
        partial_area=partial,
        partial_share=Interval(*(end / (1 - LEAST) for end in partial)),
        resamples=resamples,
    )


def check_points(sensitivities: Sequence[float], prevalences: Sequence[float]) -> None:
    """Refuse what no threshold can aim at, and shares that are none.

    Raises:
        ConfigError: a sensitivity outside (0, 1], or a prevalence outside (0, 1).
    """
    if bad := [value for value in sensitivities if not 0 < value <= 1]:
        raise ConfigError(f"a sensitivity of {bad[0]:g} cannot be aimed at; expected a number above 0, at most 1")
    if bad := [value for value in prevalences if not 0 < value < 1]:
        raise ConfigError(f"a prevalence of {bad[0]:g} is none; expected a number between 0 and 1, 0.02 for 2 %")


@dataclass(frozen=True)
class _Columns:
    """Every figure of one task as one function of the resample weights: of the judged images, then of validation."""

    judged: Ranking
    chosen_on: Ranking | None
    targets: tuple[float, ...]
    prevalences: tuple[float, ...]

    def __call__(self, weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R M"]:
        """Return the figures point by point, last the partial area."""
        images = len(self.judged.order)
        counts = self.judged.counts(weights[:, :images])
        anew = None if self.chosen_on is None else self.chosen_on.counts(weights[:, images:])
        columns = self._point(counts, THRESHOLD, np.full(len(weights), THRESHOLD), np.nan)
        for target in self.targets:
            redrawn = np.full(len(weights), np.nan) if anew is None else chosen_threshold(anew, target)
            columns += self._point(counts, self.threshold(target), redrawn, target)
        return np.stack([*columns, partial_area(counts)], axis=1)

    def threshold(self, target: float) -> float:
        """Return the threshold that the validation images choose; NaN without any."""
        return np.nan if self.chosen_on is None else float(chosen_threshold(self.chosen_on.counts(), target)[0])

    def aim(self, number: int) -> tuple[float, float]:
        """Return target and threshold of a point; the first is the threshold of 0.5, which aims at nothing."""
        return (self.targets[number - 1], self.threshold(self.targets[number - 1])) if number else (np.nan, THRESHOLD)

    def parted(self, figures: Sequence[Interval]) -> list[tuple[Interval, ...]]:
        """Part the figures by point, last the partial area."""
        width = len(self.prevalences) + 4 + 1
        return [tuple(figures[start : start + width]) for start in range(0, len(figures), width)]

    def _point(self, counts: Counts, threshold: float, redrawn: Values, target: float) -> list[Values]:
        given = rates_at(counts, np.full(len(redrawn), threshold))
        precision = [precision_at(given[0], given[1], prevalence) for prevalence in self.prevalences]
        read_off = np.full(len(redrawn), np.nan) if np.isnan(target) else specificity_at(counts, target)
        return [*precision, *rates_at(counts, redrawn), read_off]


def _sampling(predictions: Predictions, validation: Predictions | None) -> Sampling:
    """Draw the judged and the validation images as strata of their own, each by class."""
    if validation is None:
        return Sampling.of(predictions.groups, predictions.labels)
    groups = [f"judged {group}" for group in predictions.groups] + [f"chose {group}" for group in validation.groups]
    labels = np.concatenate([predictions.labels, validation.labels + len(predictions.classes) + 1])
    return Sampling.of(groups, labels)


def reached_above(
    predictions: Predictions, name: str, thresholds: Float[np.ndarray, " P"]
) -> tuple[tuple[Interval, ...], ...]:
    """Return sensitivity, specificity, PPV and NPV of the judged images above each threshold, taken as given.

    Each with Wilson's interval, by threshold; NaN where no image counts.
    """
    positive = np.repeat(predictions.is_class(name)[:, None], len(thresholds), axis=1)
    called = predictions.probability(name)[:, None] > thresholds
    hit, cleared = positive & called, ~positive & ~called
    figures = estimate_shares(
        np.concatenate([hit, cleared, hit, cleared], axis=1),
        np.concatenate([positive, ~positive, called, ~called], axis=1),
        predictions.groups,
        _sampling(predictions, None),
    )
    return tuple(figures[place :: len(thresholds)] for place in range(len(thresholds)))


def _point(
    columns: _Columns, number: int, row: tuple[Interval, ...], given: tuple[Interval, ...], *, redrawn: bool
) -> OperatingPoint:
    """Name the figures of one point: those of its row are bootstrapped, the threshold of those given is fixed."""
    target, threshold = columns.aim(number)
    bayes, again, read_off = row[:-5], row[-5:-1], row[-1]
    if np.isnan(threshold):
        return OperatingPoint(target, threshold, np.nan, 0, 0, Reached(*(NOTHING,) * 4), bayes, read_off)
    reached = Reached(*given)
    true, false = (int(one[0]) for one in called_at(columns.judged.counts(), np.array([threshold])))
    known = columns.chosen_on.counts() if number and columns.chosen_on else None
    return OperatingPoint(
        target=target,
        threshold=threshold,
        validation_sensitivity=np.nan if known is None else float(rates_at(known, np.array([threshold]))[0][0]),
        true_positives=true,
        false_positives=false,
        reached=reached,
        precision=tuple(
            or_by_ends(one, reached, prevalence) for one, prevalence in zip(bayes, columns.prevalences, strict=True)
        ),
        read_off=read_off,
        redrawn=Reached(*map(_or_given, again, given)) if number and redrawn else None,
    )


def _or_given(redrawn: Interval, given: Interval) -> Interval:
    """Return a bootstrapped interval as it is, or the given one where no resample differs."""
    return redrawn if redrawn.low < redrawn.high else given


def or_by_ends(precision: Interval, reached: Reached, prevalence: float) -> Interval:
    """Return a precision's interval as it is, or by the ends of its two rates where no resample differs."""
    if precision.low < precision.high or np.isnan(precision.value):
        return precision
    rates = zip(reached.sensitivity[1:], reached.specificity[1:], strict=True)
    low, high = (float(precision_at(np.array([se]), np.array([sp]), prevalence)[0]) for se, sp in rates)
    return Interval(precision.value, low, high)
