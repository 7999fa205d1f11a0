"""Operating points: thresholds chosen on the validation images, and what they reach on others.

An image is called positive strictly above a threshold, here as everywhere. The threshold for a sensitivity is the
one that first reaches it on the validation images: below the score of the positive that completes it. The evaluated
images play no part in the choice, so the sensitivity reached on them may be above or below the target. The specificity
that their own ROC curve has at the target is given too, as the challenges' programs compute it: its threshold is chosen
with the labels known, so it is optimistic.

Shapes: N images, R resamples, T distinct scores, M figures.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

from attnmel.errors import ConfigError
from attnmel.evaluation.classification.choose_threshold import LEAST, chosen_threshold
from attnmel.evaluation.classification.metric_set import MetricSet
from attnmel.evaluation.classification.ranking import THRESHOLD, Ranking
from attnmel.evaluation.classification.reached_at_threshold import (
    OperatingPoint,
    ThresholdColumns,
    points_of,
    sampling_of,
)
from attnmel.evaluation.classification.report import FEW
from attnmel.evaluation.statistics.bootstrap import RESAMPLES, Interval
from attnmel.records import Predictions, choosing_images, scale_in_words

SENSITIVITIES = (0.82, 0.89, 0.95)
"""Those of the ISIC 2017 challenge: dermatologists' average, and two that suit screening."""

PREVALENCES = (0.02, 0.1)
"""Shares of melanoma that are nearer to a practice than a challenge's test set is."""


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
    """Evaluated images that also chose the thresholds, by id or as copies: with any the figures are optimistic."""
    prevalences: tuple[float, ...]
    points: tuple[OperatingPoint, ...]
    """First the threshold of 0.5, then by rising target."""
    partial_area: Interval
    """Area between the ROC curve and a sensitivity of 0.8, at most 0.2."""
    partial_share: Interval
    """The same as a share of the most there can be."""
    resamples: int
    temperature: float | None = None
    """Of the probabilities that the thresholds are of; None for uncalibrated ones."""
    out_of_fold: str = ""
    """What chose the thresholds, in words, where those are no validation images of the training."""

    @property
    def chosen_images(self) -> str:
        """The images that chose the thresholds, in words."""
        among = f" ({self.validation_positives:,} {self.task.replace('_', ' ')})"
        return choosing_images(self.validation_images, self.out_of_fold, among)

    @property
    def sentence(self) -> str:
        """Return what chose the thresholds, in one line, with its notes."""
        chose = f"chosen on {self.chosen_images}"
        scale = scale_in_words(self.temperature)
        thresholds = f"operating points, called {self.task} strictly above a threshold of {scale}, {chose}"
        return "\nnote: ".join([thresholds if self.validation_positives else "operating points", *self.notes])

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the thresholds must know, a sentence each."""
        if not self.validation_positives:
            return (
                f"no validation image of {self.task} could choose a threshold: evaluate the split 'validation' first, "
                "then this one again",
            )
        if self.shared:
            images = self.positives + self.negatives
            return (
                f"{self.shared} of the {images} images evaluated here also chose the thresholds of {self.task}: what "
                "these reach is optimistic",
            )
        if self.validation_positives < FEW:
            images = choosing_images(self.validation_positives, self.out_of_fold, f" of {self.task}")
            return (f"the thresholds were chosen on {images}: so few place them by chance",)
        return ()


def operating_points(
    predictions: Predictions,
    name: str,
    *,
    validation: Predictions | None = None,
    copies: Set[str] = frozenset(),
    sensitivities: Sequence[float] = SENSITIVITIES,
    prevalences: Sequence[float] = PREVALENCES,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Operating:
    """Evaluate one class against the rest at thresholds that were chosen on the validation images.

    `copies` are evaluated images that are validation images under another name. Without validation images, or without
    a positive among them, the points of the sensitivities hold nothing but what is read off the evaluated images' own
    ROC curve.

    Raises:
        PredictionsError: as `evaluate_classification`.
        ConfigError: as `check_points`, or fewer than one resample.
    """
    check_points(sensitivities, prevalences)
    ranking = MetricSet.of(predictions, [name], one_sided=True).rankings[name]
    if validation is not None and not validation.is_class(name).any():
        validation = None
    chosen_on = None if validation is None else Ranking.of(validation.is_class(name), validation.probability(name))
    shared = 0 if validation is None else len(set(predictions.image_ids) & {*validation.image_ids, *copies})
    aims = tuple((target, _chosen(chosen_on, target)) for target in sorted(set(sensitivities)))
    columns = ThresholdColumns(ranking, chosen_on, ((np.nan, THRESHOLD), *aims), tuple(sorted(set(prevalences))))
    sampling = sampling_of(predictions, validation)
    points, partial = points_of(
        columns,
        predictions,
        name,
        sampling,
        redrawn=chosen_on is not None and not shared,
        resamples=resamples,
        seed=seed,
    )
    return Operating(
        task=name,
        positives=int(ranking.positive.sum()),
        negatives=int((~ranking.positive).sum()),
        validation_positives=int(chosen_on.positive.sum()) if chosen_on else 0,
        validation_images=len(chosen_on.order) if chosen_on else 0,
        shared=shared,
        prevalences=columns.prevalences,
        points=points,
        partial_area=partial,
        partial_share=Interval(*(end / (1 - LEAST) for end in partial)),
        resamples=resamples,
        temperature=predictions.temperature,
    )


def points_at(
    predictions: Predictions, operating: Operating, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[tuple[OperatingPoint, ...], Interval]:
    """Return what thresholds that are known already reach on some images, and the partial area as a share.

    The images may be of one class: what is not defined is NaN.
    """
    name = operating.task
    ranking = Ranking.of(predictions.is_class(name), predictions.probability(name))
    aims = tuple((one.target, one.threshold) for one in operating.points)
    columns = ThresholdColumns(ranking, None, aims, operating.prevalences)
    sampling = sampling_of(predictions, None)
    points, area = points_of(columns, predictions, name, sampling, redrawn=False, resamples=resamples, seed=seed)
    return points, Interval(*(end / (1 - LEAST) for end in area))


def check_points(sensitivities: Sequence[float], prevalences: Sequence[float]) -> None:
    """Refuse what no threshold can aim at, and shares that are none.

    Raises:
        ConfigError: a sensitivity outside (0, 1], or a prevalence outside (0, 1).
    """
    if bad := [value for value in sensitivities if not 0 < value <= 1]:
        raise ConfigError(f"a sensitivity of {bad[0]:g} cannot be aimed at; expected a number above 0, at most 1")
    if bad := [value for value in prevalences if not 0 < value < 1]:
        raise ConfigError(f"a prevalence of {bad[0]:g} is none; expected a number between 0 and 1, 0.02 for 2 %")


def _chosen(chosen_on: Ranking | None, target: float) -> float:
    """Return the threshold that the validation images choose; NaN without any."""
    return np.nan if chosen_on is None else float(chosen_threshold(chosen_on.counts(), target)[0])
