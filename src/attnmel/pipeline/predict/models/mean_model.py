"""Predict image files by several runs of one recipe: the mean of their probabilities, and how far they are apart."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from attnmel.errors import ConfigError
from attnmel.evaluation.calibration.temperature import at_temperature
from attnmel.files.checksums import file_sha256, json_sha256
from attnmel.files.folders import RunFolder
from attnmel.models.weights.card import Card
from attnmel.pipeline.predict.masks.lesion_masks import NO_MASKS, MaskOf
from attnmel.pipeline.predict.models.fused_model import opened_model
from attnmel.pipeline.predict.models.members import Members
from attnmel.pipeline.predict.table import ImageResult, spread_column
from attnmel.pipeline.run.results.results import CHOOSES
from attnmel.pipeline.run.results.thresholds import evaluated_predictions, fitted_scale
from attnmel.records import RECALIBRATION, Predictions


class MeanModel:
    """The best checkpoints of several seeds or folds, each of which prepares an image in its own way.

    The probabilities are softmax(log m / T) of the mean m of the runs' uncalibrated probabilities. T and the thresholds
    are fitted to that mean on the validation images, as those of a run are to the run; without predictions of every run
    for the same validation images there is no T and no decision. Of copies that were recalibrated on the same images,
    these are meant.

    Raises:
        CheckpointError: a run cannot be used.
        PredictionsError: the stored predictions of a run are damaged.
        ConfigError: the runs are of several recipes, or of other classes.
    """

    def __init__(
        self,
        runs: Sequence[RunFolder],
        *,
        batch: int,
        calibrated: bool,
        masks: MaskOf = NO_MASKS,
        transforms: str | None = None,
        metadata: Path | None = None,
    ) -> None:
        models = [
            opened_model(run.path, batch=batch, calibrated=False, masks=masks, transforms=transforms, metadata=metadata)
            for run in runs
        ]
        self.members = Members(models, metadata)
        self.transforms = self.members.transforms
        first = models[0].card
        for run, one in zip(runs, models, strict=True):
            if (one.card.recipe, one.card.classes) != (first.recipe, first.classes):
                found, other = (f"{card.recipe} ({', '.join(card.classes)})" for card in (one.card, first))
                raise ConfigError(
                    f"{run.path} is of the recipe {found}, and {runs[0].path} of {other}; only runs of one recipe are "
                    "averaged: name one run"
                )
        self.runs, self.together = len(runs), batch
        self.file = models[0].file
        self.card, self.not_calibrated = _calibrated(first, _validation_mean(runs, [one.card for one in models]))
        self.temperature = self.card.temperature if calibrated else None
        self.thresholds = self.card.thresholds if self.temperature == self.card.temperature else ()
        files = json_sha256([file_sha256(one.file) for one in models])
        self.made_with = {**models[0].made_with, "runs": f"{self.runs} ({files[:12]})"}

    def predict(self, paths: Sequence[Path], *, many: bool) -> Iterator[ImageResult]:
        """Yield the result of each file, with what the first run saw of it and the mean of the attention maps."""
        for results in self.members.predict(paths, many=many):
            yield next((one for one in results if one.error), None) or self._mean(results)

    def _mean(self, results: Sequence[ImageResult]) -> ImageResult:
        first, shares = results[0], np.array([one.probabilities for one in results])
        mean, *each = (
            at_temperature(Predictions.of_image(self.card.classes, row), self.temperature).probabilities[0]
            for row in (shares.mean(axis=0), *shares)
        )
        apart = np.std(each, axis=0, ddof=1)
        spread = {
            spread_column(name): round(float(apart[self.card.classes.index(name)]), 6) for name in self.card.positives
        }
        attention = {name: np.mean([one.attention[name] for one in results], axis=0) for name in first.attention}
        return dataclasses.replace(first, probabilities=tuple(mean.tolist()), added=spread, attention=attention)


def _calibrated(card: Card, validation: Predictions | None) -> tuple[Card, str]:
    """Return the card with the temperature and thresholds of the mean, and why it has no temperature."""
    if validation is None:
        images = RECALIBRATION if card.recalibrated_on else CHOOSES
        reason = f"not every run has predictions of the same {images} images"
        return dataclasses.replace(card, temperature=None, thresholds=(), not_calibrated=""), reason
    temperature, thresholds, fitted = fitted_scale(validation, card.positives)
    of_mean = dataclasses.replace(card, temperature=temperature, thresholds=thresholds, not_calibrated=fitted.reason)
    return of_mean, of_mean.why_uncalibrated


def _validation_mean(runs: Sequence[RunFolder], cards: Sequence[Card]) -> Predictions | None:
    """Return the mean of the runs' uncalibrated validation predictions; None if one is missing or of other images."""
    found = [
        evaluated_predictions(run, dataclasses.replace(card, temperature=None), CHOOSES, elsewhere=True)
        for run, card in zip(runs, cards, strict=True)
    ]
    known = [one for one in found if one is not None]
    if len(known) < len(found) or any(one.image_ids != known[0].image_ids for one in known):
        return None
    mean = np.mean([one.probabilities for one in known], axis=0)
    return dataclasses.replace(known[0], probabilities=mean, temperature=None)
