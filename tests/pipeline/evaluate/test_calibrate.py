"""The temperature of a run is that of its validation predictions, and lies in its best checkpoint alone."""

import dataclasses
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from attnmel.config.recipe import Recipe
from attnmel.evaluation.calibration.temperature import at_temperature, fit_temperature
from attnmel.files.folders import RunFolder
from attnmel.models.weights.checkpoints import read_checkpoint, set_temperature
from attnmel.pipeline.evaluate.calibrate import store_at_temperature, store_calibration
from attnmel.pipeline.experiment import run_recipe
from attnmel.pipeline.predict.table import PredictionTable
from attnmel.pipeline.run.results.details import read_details
from attnmel.pipeline.run.results.results import read_measures
from attnmel.pipeline.run.results.thresholds import thresholds_of
from attnmel.pipeline.run.run import Run
from attnmel.progress import Silent
from attnmel.records import Predictions

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from tests.conftest import Phantoms


@pytest.fixture
def copied(trained: RunFolder, tmp_path: Path) -> RunFolder:
    return RunFolder(Path(shutil.copytree(trained.path, tmp_path / "copy")))


def calibrated(folder: RunFolder) -> float | None:
    run = Run(folder)
    if store_calibration(run, run.uncalibrated("validation")):
        store_at_temperature(run, run.results.values())
    return read_checkpoint(folder.best)[1].temperature


def expected_of(run: RunFolder) -> float | None:
    """What three epochs taught is no better than chance on some processors, and then there is none."""
    fitted = fit_temperature(Predictions.read(run.predictions("validation"), uncalibrated=True))
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
    assert calibrated(copied) == pytest.approx(expected, abs=1e-6)


def test_resuming_a_finished_run_writes_the_same_bytes(
    copied: RunFolder, tiny: Recipe, phantoms: "Phantoms", fabric: "Fabric"
) -> None:
    files = (copied.best, copied.best.with_suffix(".json"))
    before = [path.read_bytes() for path in files]
    run_recipe(tiny, copied, home=phantoms.home, fabric=fabric, resume=True, resamples=20)
    assert [path.read_bytes() for path in files] == before


def test_resuming_a_finished_run_gives_its_checkpoint_the_temperature_of_its_predictions(
    copied: RunFolder, trained: RunFolder, tiny: Recipe, phantoms: "Phantoms", fabric: "Fabric"
) -> None:
    set_temperature(copied.best, 3.5 if expected_of(trained) is None else None)
    run_recipe(tiny, copied, home=phantoms.home, fabric=fabric, resume=True, resamples=20)
    assert copied.best.read_bytes() == trained.best.read_bytes()


def test_only_more_than_the_last_digits_is_stored_again(copied: RunFolder) -> None:
    path = copied.predictions("validation")
    given = Predictions.read(path)
    logits = np.random.default_rng(0).normal(size=len(given.labels)) + 1.5 * given.labels
    melanoma = 1 / (1 + np.exp(-logits))
    shares = np.stack([1 - melanoma, melanoma], axis=1)
    dataclasses.replace(given, probabilities=shares).write(path, "CC0-1.0")
    temperature = calibrated(copied)
    assert temperature is not None
    before = copied.best.read_bytes()
    noise = 1 + np.random.default_rng(1).normal(0, 1e-6, len(logits))
    melanoma = 1 / (1 + np.exp(-logits * noise))
    assert (
        fit_temperature(found := dataclasses.replace(given, probabilities=np.stack([1 - melanoma, melanoma], 1))).value
        != temperature
    )
    assert not store_calibration(Run(copied), found)
    assert copied.best.read_bytes() == before
    melanoma = 1 / (1 + np.exp(-logits * 1.001))
    assert store_calibration(
        Run(copied), dataclasses.replace(given, probabilities=np.stack([1 - melanoma, melanoma], 1))
    )
    assert read_checkpoint(copied.best)[1].temperature == pytest.approx(temperature * 1.001, rel=1e-4)


def test_a_validation_split_that_gives_no_temperature_takes_an_earlier_one_away(copied: RunFolder) -> None:
    set_temperature(copied.best, 1.7)
    given = Predictions.read(copied.predictions("validation"))
    assert store_calibration(Run(copied), dataclasses.replace(given, labels=np.zeros_like(given.labels)))
    card = read_checkpoint(copied.best)[1]
    assert (card.temperature, card.thresholds) == (None, ())


def test_why_no_temperature_between_the_limits_fits_is_in_the_card_and_said_of_predictions(copied: RunFolder) -> None:
    given = Predictions.read(copied.predictions("validation"))
    told = np.eye(len(given.classes))[given.labels]
    told[::3] = told[::3, ::-1]  # a third is wrong, all of it with a share of 1e-15
    extreme = dataclasses.replace(given, probabilities=np.clip(told, 1e-15, 1 - 1e-15), temperature=None)
    store_calibration(Run(copied), extreme)
    card, before = read_checkpoint(copied.best)[1], copied.best.read_bytes()
    why = f"the scores are too large: the {len(given.labels)} images ask for a temperature above 20"
    assert (card.temperature, card.not_calibrated) == (None, why)
    assert card.thresholds, "of the network's own probabilities"
    sentence = f"Not calibrated: no temperature fits the validation images of the training ({why})."
    assert PredictionTable(card).head()["calibration"] == sentence
    assert not store_calibration(Run(copied), extreme)
    assert copied.best.read_bytes() == before
    set_temperature(copied.best, None, card.thresholds)  # as an earlier version wrote it
    assert not store_calibration(Run(copied), extreme), "what was evaluated is of the same scale"
    assert copied.best.read_bytes() == before
    assert calibrated(copied) == expected_of(copied)
    assert (read_checkpoint(copied.best)[1].not_calibrated == "") is (expected_of(copied) is not None)


def test_what_was_evaluated_before_is_brought_to_the_temperature(copied: RunFolder) -> None:
    calibrated(copied)
    set_temperature(copied.best, 3.5)
    before = Run(copied).results["test"].judgement
    calibrated(copied)
    temperature, thresholds = expected_of(copied), read_checkpoint(copied.best)[1].thresholds
    for split in ("validation", "test"):
        details = read_details(copied, read_measures(copied)[split])
        assert details is not None
        assert details.temperature == read_measures(copied)[split].temperature == temperature
        assert [one.threshold for one in details.operating[0].points[1:]] == [one.threshold for one in thresholds]
        stored = Predictions.read(copied.predictions(split), uncalibrated=True)
        expected = at_temperature(stored, temperature).probabilities
        assert np.array_equal(Predictions.read(copied.predictions(split)).probabilities, expected)
    assert read_measures(copied)["test"].judgement == before, "of two classes no measure depends on it"


def test_results_of_another_temperature_are_computed_again_when_they_are_read(copied: RunFolder) -> None:
    notes: list[str] = []
    set_temperature(copied.best, 3.5)
    run = Run(copied, progress=Notes(notes))
    details = run.details(run.results["test"])
    assert details is not None
    assert details.temperature == run.results["test"].temperature == run.predictions("test").temperature == 3.5
    expected = chosen_thresholds(at_temperature(run.uncalibrated("validation"), 3.5))
    assert [one.threshold for one in details.operating[0].points[1:]] == expected
    assert len(notes) == 1
    assert "computed again for calibrated probabilities (temperature 3.5): `attnmel evaluate` stores them" in notes[0]


def chosen_thresholds(validation: Predictions) -> list[float]:
    return [one.threshold for one in thresholds_of(validation, ["melanoma"])]


class Notes(Silent):
    """Progress that keeps its notes."""

    def __init__(self, notes: list[str]) -> None:
        self.notes = notes

    def note(self, message: str) -> None:
        """Keep the message."""
        self.notes.append(message)
