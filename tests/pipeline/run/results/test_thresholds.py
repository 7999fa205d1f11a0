"""The operating points of a run are of its own data, its best epoch and the scale of its probabilities."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.factories import two_class_predictions

from attnmel.evaluation.calibration.temperature import at_temperature, fit_temperature
from attnmel.files.folders import RunFolder
from attnmel.pipeline.run.results import thresholds
from attnmel.pipeline.run.results.thresholds import fitted_scale, run_measures, stored_thresholds
from attnmel.records import Predictions

TEMPERATURE = 2.5
SPLITS = ("train", "validation", "test")


def predictions(split: str) -> Predictions:
    """Scores that are too sure: 100 images, of which 40 are melanomas."""
    labels = np.repeat([1, 0], [40, 60])
    scores = np.random.default_rng(SPLITS.index(split)).normal(size=100) + 1.4 * labels - 0.7
    return two_class_predictions(labels, 1 / (1 + np.exp(-6 * scores)), prefix=f"{split}_")


def results(split: str, *, on: str | None = None, epoch: int = 3) -> SimpleNamespace:
    row = SimpleNamespace(task="melanoma", measure="auc", value=0.8, low=0.7, high=0.9)
    return SimpleNamespace(name=split, on=on, epoch=epoch, judgement=SimpleNamespace(rows=(row,)))


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, SimpleNamespace]:
    """What a run holds of each split; a test changes it."""
    run = RunFolder(tmp_path)
    run.predictions("test").parent.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        predictions(split).write(run.predictions(split), "CC-0")
    held = {split: results(split) for split in SPLITS}
    monkeypatch.setattr(thresholds, "read_measures", lambda _: held)
    return held


def card(**changed: object) -> Any:  # noqa: ANN401 - what is looked at of a card
    return SimpleNamespace(**{"epoch": 3, "temperature": TEMPERATURE, "data": {}, "positives": ("melanoma",)} | changed)


def test_thresholds_are_of_the_validation_images_at_the_temperature_of_the_card(
    stored: dict[str, SimpleNamespace], tmp_path: Path
) -> None:
    found = stored_thresholds(RunFolder(tmp_path), card())
    assert [one.target for one in found] == [0.82, 0.89, 0.95]
    for one in found:
        assert [(each.split, each.images) for each in one.achieved] == [("validation", 100), ("test", 100)]
        for each in one.achieved:
            at = at_temperature(predictions(each.split), TEMPERATURE)
            called = at.probability("melanoma") > one.threshold
            assert each.sensitivity[0] == pytest.approx(called[at.is_class("melanoma")].mean())
            assert each.specificity[0] == pytest.approx(1 - called[~at.is_class("melanoma")].mean())
        reached = one.achieved[0].sensitivity[0]
        assert one.target <= reached < one.target + 1 / 40


@pytest.mark.parametrize(
    ("of_validation", "of_card"),
    [({"on": "isic2018"}, {}), ({"epoch": 2}, {}), ({}, {"data": {"ablation": "lesion-only"}})],
    ids=["other data", "another epoch", "changed images"],
)
def test_predictions_of_other_data_another_epoch_or_changed_images_choose_nothing(
    of_validation: dict[str, Any], of_card: dict[str, Any], stored: dict[str, SimpleNamespace], tmp_path: Path
) -> None:
    stored["validation"] = results("validation", **of_validation)
    assert stored_thresholds(RunFolder(tmp_path), card(**of_card)) == ()


def test_what_an_earlier_epoch_or_other_data_reached_is_not_told_of_this_one(
    stored: dict[str, SimpleNamespace], tmp_path: Path
) -> None:
    stored["test"] = results("test", epoch=2)
    stored["isic2018-all"] = results("isic2018-all", on="isic2018")
    run = RunFolder(tmp_path)
    assert {each.split for one in stored_thresholds(run, card()) for each in one.achieved} == {"validation"}
    assert [one.split for one in run_measures(run, card())] == ["train", "validation"]


def test_a_fitted_scale_has_thresholds_of_calibrated_probabilities() -> None:
    validation = predictions("validation")
    temperature, found, _ = fitted_scale(validation, ["melanoma"])
    assert temperature == fit_temperature(validation).value > 1.5
    melanomas = at_temperature(validation, temperature).probability("melanoma")[validation.is_class("melanoma")]
    assert [one.sensitivity for one in found] == pytest.approx([(melanomas > one.threshold).mean() for one in found])
    alone = dataclasses.replace(validation, labels=np.ones_like(validation.labels))
    assert fitted_scale(alone, ["melanoma"]).temperature is None
