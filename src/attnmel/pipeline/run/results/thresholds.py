"""The operating points and measures of a run, for the users of its checkpoint or exported file."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from attnmel.data.batches.ablate import ablation_of
from attnmel.deploy.onnx.export_facts import Measure
from attnmel.evaluation.calibration.temperature import Temperature, at_temperature, fit_temperature
from attnmel.evaluation.classification.choose_threshold import chosen_threshold
from attnmel.evaluation.classification.operating_points import SENSITIVITIES
from attnmel.evaluation.classification.ranking import Ranking
from attnmel.evaluation.classification.reached_at_threshold import reached_above
from attnmel.files.folders import RunFolder
from attnmel.models.weights.card import Card
from attnmel.models.weights.operating_points import Achieved, Threshold
from attnmel.pipeline.run.results.results import CHOOSES, read_measures
from attnmel.records import EVERY_SPLIT, Predictions


def evaluated_predictions(run: RunFolder, card: Card, split: str, *, elsewhere: bool = False) -> Predictions | None:
    """Return the predictions that `evaluate` wrote for a split of the run's own data, at the card's temperature.

    With `elsewhere` also those of the other place that a copy was recalibrated for, in place of its validation split.

    None if the split was not evaluated at this epoch, the run is an ablation with changed images, or it was fetched
    from a hub, which has its measures alone.

    Raises:
        PredictionsError: a file of the run is damaged.
    """
    results = read_measures(run).get(split)
    if results is None or results.epoch != card.epoch or ablation_of(card.data):
        return None
    if results.on is not None and not elsewhere:
        return None
    if not run.predictions(split).is_file():
        return None
    return at_temperature(Predictions.read(run.predictions(split), uncalibrated=True), card.temperature)


def thresholds_of(
    validation: Predictions, target_classes: Sequence[str], others: Mapping[str, Predictions] | None = None
) -> tuple[Threshold, ...]:
    """Return the thresholds that reach each target sensitivity on the validation images, for each class with images.

    They come with what they achieve on these images, and on the `others` by the name of their split.
    """
    found = (task for task in target_classes if validation.is_class(task).any())
    sets = {CHOOSES: validation, **(others or {})}
    return tuple(_threshold(sets, task, target) for task in found for target in SENSITIVITIES)


class FittedScale(NamedTuple):
    """The temperature that fits some predictions, and the operating points of the probabilities at it."""

    temperature: float | None
    thresholds: tuple[Threshold, ...]
    fitted: Temperature
    """With the reason where there is no temperature."""


def fitted_scale(validation: Predictions, target_classes: Sequence[str]) -> FittedScale:
    """Fit the temperature to uncalibrated predictions of the validation images, and choose thresholds at it."""
    fitted = fit_temperature(validation)
    temperature = None if fitted.reason else fitted.value
    return FittedScale(temperature, thresholds_of(at_temperature(validation, temperature), target_classes), fitted)


def stored_thresholds(run: RunFolder, card: Card) -> tuple[Threshold, ...]:
    """Return the operating points of a run, chosen on its stored validation predictions at the card's temperature.

    With what they achieve on every evaluated split of its own data but those of training. None without validation
    predictions of this epoch.

    Raises:
        PredictionsError: a file of the run is damaged.
    """
    validation = evaluated_predictions(run, card, CHOOSES)
    if validation is None:
        return ()
    splits = (split for split in EVERY_SPLIT if split not in ("train", CHOOSES))
    others = {split: found for split in splits if (found := evaluated_predictions(run, card, split)) is not None}
    return thresholds_of(validation, card.positives, others)


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


def _threshold(sets: Mapping[str, Predictions], task: str, target: float) -> Threshold:
    validation = sets[CHOOSES]
    counts = Ranking.of(validation.is_class(task), validation.probability(task)).counts()
    threshold = float(chosen_threshold(counts, target)[0])
    achieved = tuple(_achieved(split, predictions, task, threshold) for split, predictions in sets.items())
    return Threshold(
        task=task,
        target=target,
        threshold=threshold,
        sensitivity=achieved[0].sensitivity[0],
        specificity=achieved[0].specificity[0],
        images=achieved[0].images,
        positives=achieved[0].positives,
        achieved=achieved,
    )


def _achieved(split: str, predictions: Predictions, task: str, threshold: float) -> Achieved:
    sensitivity, specificity, *_ = reached_above(predictions, task, np.array([threshold]))[0]
    return Achieved(
        split=split,
        images=len(predictions.labels),
        positives=int(predictions.is_class(task).sum()),
        sensitivity=sensitivity,
        specificity=specificity,
    )
