"""The temperature of a run is that of its validation predictions, and lies in its best checkpoint alone."""

import dataclasses
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from attnmel.config.recipe import Recipe
from attnmel.evaluation.calibration.temperature import fit_temperature
from attnmel.folders import RunFolder
from attnmel.models.weights.checkpoints import read_checkpoint, set_temperature
from attnmel.pipeline.evaluate.calibrate import calibrate_run
from attnmel.pipeline.experiment import run_recipe
from attnmel.pipeline.run.run import Run
from attnmel.records import Predictions

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from tests.conftest import Phantoms


@pytest.fixture
def copied(trained: RunFolder, tmp_path: Path) -> RunFolder:
    return RunFolder(Path(shutil.copytree(trained.path, tmp_path / "copy")))


def expected_of(run: RunFolder) -> float | None:
    """What three epochs taught is no better than chance on some processors, and then there is none."""
    fitted = fit_temperature(Predictions.read(run.predictions("validation")))
    return None if fitted.reason else fitted.value


def test_the_best_checkpoint_holds_the_temperature_of_the_validation_predictions(trained: RunFolder) -> None:
    assert read_checkpoint(trained.best)[1].temperature == expected_of(trained)
    assert read_checkpoint(trained.last)[1].temperature is None


def test_predictions_that_are_right_more_often_than_sure_are_sharpened(copied: RunFolder) -> None:
    path = copied.predictions("validation")
    given = Predictions.read(path)
    right = np.eye(len(given.classes))[given.labels]
    right[0] = right[0, ::-1]
    dataclasses.replace(given, probabilities=0.4 + 0.2 * right).write(path, "CC0-1.0")
    # One of ten is wrong, so the others are best said to be 0.9 sure: log(0.9 / 0.1) = log(0.6 / 0.4) / T.
    expected = np.log(1.5) / np.log(9)
    assert (
        calibrate_run(Run(copied)) == read_checkpoint(copied.best)[1].temperature == pytest.approx(expected, abs=1e-6)
    )


def test_resuming_a_finished_run_writes_the_same_bytes(
    copied: RunFolder, tiny: Recipe, phantoms: "Phantoms", fabric: "Fabric"
) -> None:
    files = (copied.best, copied.best.with_suffix(".json"))
    before = [path.read_bytes() for path in files]
    run_recipe(tiny, copied, home=phantoms.home, fabric=fabric, resume=True)
    assert [path.read_bytes() for path in files] == before


def test_resuming_a_finished_run_gives_its_checkpoint_the_temperature_of_its_predictions(
    copied: RunFolder, trained: RunFolder, tiny: Recipe, phantoms: "Phantoms", fabric: "Fabric"
) -> None:
    set_temperature(copied.best, 3.5 if expected_of(trained) is None else None)
    run_recipe(tiny, copied, home=phantoms.home, fabric=fabric, resume=True)
    assert copied.best.read_bytes() == trained.best.read_bytes()


def test_a_validation_split_that_gives_no_temperature_takes_an_earlier_one_away(copied: RunFolder) -> None:
    set_temperature(copied.best, 1.7)
    path = copied.predictions("validation")
    path.write_text(path.read_text().replace(",melanoma,", ",rest,"))
    assert calibrate_run(Run(copied)) is None
    assert read_checkpoint(copied.best)[1].temperature is None
