"""Validation predictions of a run -> the temperature in its best checkpoint, by which `predict` is calibrated."""

from attnmel.evaluation.calibration.temperature import fit_temperature
from attnmel.pipeline.run.results import CHOOSES
from attnmel.pipeline.run.run import Run


def calibrate_run(run: Run) -> float | None:
    """Fit the temperature, write it into the card of the best checkpoint and return it; None where there is none.

    The predictions are those that `evaluate` wrote of the same checkpoint. Again on the same run, it writes the same
    bytes.

    Raises:
        PredictionsError: the run was not evaluated on its validation split, or its predictions are damaged.
        CheckpointError: the best checkpoint cannot be used or written.
    """
    fitted = fit_temperature(run.predictions(CHOOSES))
    temperature = None if fitted.reason else fitted.value
    run.write_temperature(temperature)
    if temperature is None:
        run.progress.note(f"not calibrated: {fitted.reason}")
    else:
        run.progress.note(f"calibrated on {fitted.images} validation images: temperature {temperature:.3f}")
    return temperature
