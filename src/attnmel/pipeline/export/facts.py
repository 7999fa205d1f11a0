"""What a run folder knows that a user of its exported file needs: thresholds and measures."""

from collections.abc import Sequence

import numpy as np

from attnmel.deploy.onnx_file import Measure, Threshold
from attnmel.evaluation.calibration.temperature import at_temperature
from attnmel.evaluation.classification.operating_points import SENSITIVITIES
from attnmel.evaluation.classification.ranking import Ranking
from attnmel.evaluation.classification.thresholds import chosen_threshold, rates_at
from attnmel.folders import RunFolder
from attnmel.models.weights.card import Card
from attnmel.pipeline.run.results import read_measures
from attnmel.records import Predictions


def judged_at(run: RunFolder, card: Card, split: str) -> Predictions | None:
    """Return what `evaluate` wrote of a split of the run's own data, at the card's temperature.

    None where the split was not judged at this epoch, or was painted for a control.

    Raises:
        PredictionsError: a file of the run is damaged.
    """
    judged = read_measures(run).get(split)
    if judged is None or judged.on is not None or judged.epoch != card.epoch or card.data.get("control"):
        return None
    stored = Predictions.read(run.predictions(split))
    return stored if card.temperature is None else at_temperature(stored, card.temperature)


def thresholds_of(chose: Predictions, positives: Sequence[str]) -> tuple[Threshold, ...]:
    """Return the thresholds that predictions of the validation split choose, for each class against the rest."""
    found = (task for task in positives if chose.is_class(task).any())
    return tuple(_threshold(chose, task, target) for task in found for target in SENSITIVITIES)


def run_measures(run: RunFolder, card: Card) -> tuple[Measure, ...]:
    """Return the measures of every judged split of the run's own data at this epoch.

    Raises:
        PredictionsError: the file is damaged.
    """
    judged = (one for one in read_measures(run).values() if one.on is None and one.epoch == card.epoch)
    return tuple(
        Measure(split=one.name, task=row.task, measure=row.measure, value=row.value, low=row.low, high=row.high)
        for one in judged
        for row in one.judgement.rows
    )


def _threshold(predictions: Predictions, task: str, target: float) -> Threshold:
    """Put the threshold midway between the score that completes the sensitivity and the next lower one.

    Every threshold between the two calls the same images; in the middle a rounding of the file's changes none.
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
