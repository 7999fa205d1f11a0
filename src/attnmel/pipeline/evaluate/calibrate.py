"""Validation predictions of a run -> temperature and operating points in its best checkpoint, which `predict` uses.

Results that were evaluated before are brought to the new temperature, so that a run has one scale.
"""

import dataclasses
import math
from collections.abc import Iterable, Sequence

from attnmel.data.archives.catalog import source_of
from attnmel.evaluation.challenge.submission import write_submission
from attnmel.models.weights.checkpoints import checkpoint_card
from attnmel.models.weights.operating_points import Threshold
from attnmel.number_formats import fixed
from attnmel.pipeline.run.results.results import SplitResults
from attnmel.pipeline.run.results.thresholds import fitted_scale
from attnmel.pipeline.run.run import Run
from attnmel.records import Predictions, choosing_images

TOLERANCE = 1e-4
"""Least change that is stored, of a temperature as a share of it, and of a threshold as a probability.

Another number of threads adds in another order, which changes the last digits of the logits and, through them, a
temperature by a millionth or so; two halves of a validation split give temperatures that differ by several hundredths.
"""


def store_calibration(run: Run, validation: Predictions) -> bool:
    """Fit the temperature, choose the thresholds at it, and write both into the best checkpoint.

    `validation` are uncalibrated predictions of the validation split by this checkpoint. No number is written where
    all decisions on them stay and none changes by more than `TOLERANCE`. Returns whether the checkpoint has changed, so
    that earlier results are of another scale or without thresholds.

    Raises:
        CheckpointError: the best checkpoint cannot be used or written.
    """
    card = checkpoint_card(run.path)
    temperature, thresholds, fitted = fitted_scale(validation, card.positives)
    changed = not (_same_temperature(card.temperature, temperature) and _same_thresholds(card.thresholds, thresholds))
    if changed or card.not_calibrated != fitted.reason:
        run.write_temperature(temperature, thresholds, fitted.reason)
    if temperature is None:
        run.progress.note(f"not calibrated: {fitted.reason}")
    else:
        images = choosing_images(fitted.images, card.recalibrated_on)
        run.progress.note(f"calibrated on {images}: temperature {fixed(temperature)}")
    return changed


def store_at_temperature(run: Run, results: Iterable[SplitResults]) -> None:
    """Write results of the checkpoint's epoch again from their stored predictions, at its temperature."""
    for one in [one for one in results if run.card is not None and one.epoch == run.card.epoch]:
        run.write_predictions(one.name, run.uncalibrated(one.name), one.licence)
        if one.submission:
            path = run.folder.submission(one.name)
            write_submission(run.predictions(one.name), path, source_of(one.dataset))
        run.write_results(one, run.details_again(one))
        run.progress.note(f"{one.name}: thresholds and probabilities are stored again at the new temperature")


def _same_temperature(stored: float | None, found: float | None) -> bool:
    if stored is None or found is None:
        return stored is found
    return math.isclose(stored, found, rel_tol=TOLERANCE)


def _same_thresholds(stored: Sequence[Threshold], found: Sequence[Threshold]) -> bool:
    """Whether thresholds differ by no more than the tolerance, and what they achieved not at all."""
    return len(stored) == len(found) and all(
        math.isclose(before.threshold, now.threshold, rel_tol=0, abs_tol=TOLERANCE)
        and dataclasses.replace(before, threshold=now.threshold) == now
        for before, now in zip(stored, found, strict=True)
    )
