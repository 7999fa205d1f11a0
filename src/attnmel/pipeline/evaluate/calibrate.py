"""Validation predictions of a run -> the temperature in its best checkpoint, by which `predict` is calibrated."""

from attnmel.evaluation.calibration.temperature import fit_temperature
from attnmel.folders import RunFolder
from attnmel.models.weights.checkpoints import set_temperature
from attnmel.pipeline.run.results import CHOOSES
from attnmel.progress import SILENT, Progress
from attnmel.records import Predictions


def calibrate_run(run: RunFolder, progress: Progress = SILENT) -> float | None:
    """Fit the temperature, write it into the card of the best checkpoint and return it; None where there is none.

    The predictions are those that `evaluate` wrote of the same checkpoint. Again on the same run, it writes the same
    bytes.

    Raises:
        PredictionsError: the run was not judged on its validation split, or what that left is damaged.
        CheckpointError: the best checkpoint cannot be used, or not be written.
    """
    fitted = fit_temperature(Predictions.read(run.predictions(CHOOSES)))
    temperature = None if fitted.reason else fitted.value
    set_temperature(run.best, temperature)
    if temperature is None:
        progress.note(f"not calibrated: {fitted.reason}")
    else:
        progress.note(f"calibrated on {fitted.images} validation images: temperature {temperature:.3f}")
    return temperature
