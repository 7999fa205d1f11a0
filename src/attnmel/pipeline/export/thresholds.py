"""Thresholds and measures of a run, for the users of its exported file."""

from collections.abc import Sequence

import numpy as np

from attnmel.data.batches.ablate import ablation_of
from attnmel.deploy.onnx_file import Measure, Threshold
from attnmel.evaluation.calibration.temperature import at_temperature
from attnmel.evaluation.classification.choose_threshold import chosen_threshold, rates_at
from attnmel.evaluation.classification.operating_points import SENSITIVITIES
from attnmel.evaluation.classification.ranking import Ranking
from attnmel.folders import RunFolder
from attnmel.models.weights.card import Card
from attnmel.pipeline.run.results import read_measures
from attnmel.records import Predictions


def evaluated_predictions(run: RunFolder, card: Card, split: str) -> Predictions | None:
    """Return the predictions that `evaluate` wrote for a split of the run's own data, at the card's temperature.

    None if the split was not evaluated at this epoch, or the run is an ablation with changed images.

    Raises:
        PredictionsError: a file of the run is damaged.
    """
    results = read_measures(run).get(split)
    if results is None or results.on is not None or results.epoch != card.epoch or ablation_of(card.data):
        return None
    stored = Predictions.read(run.predictions(split))
    return stored if card.temperature is None else at_temperature(stored, card.temperature)


def thresholds_of(validation: Predictions, target_classes: Sequence[str]) -> tuple[Threshold, ...]:
    """Return the thresholds that reach each target sensitivity on the validation images, for each class with images."""
    found = (task for task in target_classes if validation.is_class(task).any())
    return tuple(_threshold(validation, task, target) for task in found for target in SENSITIVITIES)


def run_measures(run: RunFolder, card: Card) -> tuple[Measure, ...]:
    """Return the measures of every evaluated split of the run's own data at this epoch.

    Raises:
        PredictionsError: the file is damaged.
    """
    results = (one for one in read_measures(run).values() if one.on is None and one.epoch == card.epoch)
    return tuple(
        Measure(split=one.name, task=row.task, measure=row.measure, value=row.value, low=row.low, high=row.high)
        for one in results
        for row in one.judgement.rows
    )


def _threshold(predictions: Predictions, task: str, target: float) -> Threshold:
    """Put the threshold midway between the first score that reaches the target sensitivity and the next lower one.

    Every threshold between the two gives the same decisions; in the middle, rounding by an engine changes none.
    """
    counts = Ranking.of(predictions.is_class(task), predictions.probability(task)).counts()
    highest = float(chosen_threshold(counts, target)[0])
    lower = counts.scores[counts.scores < highest]
    threshold = (highest + (float(lower.max()) if len(lower) else 0.0)) / 2
    sensitivity, specificity, *_ = (float(rate[0]) for rate in rates_at(counts, np.array([threshold])))
    return Threshold(
        task=task,
        target=target,
        threshold=threshold,
        sensitivity=sensitivity,
        specificity=specificity,
        images=len(predictions.labels),
        positives=int(predictions.is_class(task).sum()),
    )
