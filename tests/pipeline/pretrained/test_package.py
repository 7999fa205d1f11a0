"""The folder of a pretrained model contains one rounded network, with which everything on its card is measured."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from tests.session_fixtures import WORDS

from attnmel.deploy.onnx.export_facts import read_onnx_card
from attnmel.errors import CheckpointError, ConfigError
from attnmel.evaluation.calibration.temperature import at_temperature, fit_temperature
from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.files.folders import RunFolder
from attnmel.models.weights.checkpoints import load_checkpoint, read_checkpoint
from attnmel.pipeline.export import check_images
from attnmel.pipeline.pretrained import package
from attnmel.pipeline.pretrained.package import ship_model
from attnmel.pretrained.catalogue import ANY, DEFAULT, Shipped, find_model
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.conftest import Phantoms


@pytest.fixture
def model(models: Path) -> Shipped:
    found = find_model(ANY)
    assert found is not None
    return found


def test_weights_are_those_of_the_run_in_half_floats(model: Shipped, trained: RunFolder) -> None:
    stored, _ = read_checkpoint(model.checkpoint)
    before, _ = read_checkpoint(trained.best)
    assert stored.keys() == before.keys()
    for name, one in before.items():
        assert torch.equal(stored[name], one.half() if one.ndim > 1 else one)


def test_measures_are_of_the_rounded_network(model: Shipped, phantoms: "Phantoms") -> None:
    run = RunFolder(model.folder)
    judged = Predictions.read(run.predictions("test"))
    rows = {(one.task, one.measure): one.value for one in evaluate_classification(judged, ("melanoma",)).rows}
    assert {(one.task, one.measure): one.value for one in model.card.measures} == rows
    network, card = load_checkpoint(model.checkpoint)
    assert card.data["dataset"] == "phantoms"
    assert sum(one.numel() for one in network.parameters()) == model.card.parameters


def test_temperature_and_thresholds_are_chosen_on_the_folds(model: Shipped) -> None:
    run = RunFolder(model.folder)
    chose, judged = (Predictions.read(run.predictions(one), uncalibrated=True) for one in ("validation", "test"))
    temperature = fit_temperature(chose).value
    card, facts = read_onnx_card(model.onnx)
    assert card.temperature == model.card.calibration.temperature == pytest.approx(temperature)
    assert card.chosen_on == WORDS.chosen_on
    called, truly = at_temperature(chose, temperature), chose.is_class("melanoma")
    for one, stored in zip(model.card.operating, facts.thresholds, strict=True):
        assert one.threshold == stored.threshold
        above = called.probability("melanoma") > one.threshold
        assert above[truly].mean() == pytest.approx(one.chosen_sensitivity)
        assert one.chosen_sensitivity >= one.target
        above = at_temperature(judged, temperature).probability("melanoma") > one.threshold
        assert above[judged.is_class("melanoma")].mean() == pytest.approx(one.sensitivity.value)
        assert (~above[~judged.is_class("melanoma")]).mean() == pytest.approx(one.specificity.value)


def test_the_onnx_file_was_checked_against_the_rounded_network(model: Shipped) -> None:
    _, facts = read_onnx_card(model.onnx)
    assert [one.engine.split()[0] for one in facts.parity] == ["OpenVINO", "OpenVINO", "onnxruntime"]
    assert all(one.images == 12 for one in facts.parity[1:])
    assert all(one.judged_auc is not None for one in facts.parity[1:])


def test_no_path_of_the_machine_that_made_it_is_left(model: Shipped, phantoms: "Phantoms") -> None:
    for path in model.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert str(phantoms.home).encode() not in content
            assert b"file:///" not in content


def ship(run: RunFolder, folds: Path, folder: Path, phantoms: "Phantoms", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_images, "LARGE", (300, 200))
    ship_model(run, folds, WORDS, folder, home=phantoms.home)


def test_files_that_take_too_much_are_refused_and_nothing_is_left(
    trained: RunFolder, folds: Path, phantoms: "Phantoms", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "MOST_BYTES", 1000)
    with pytest.raises(CheckpointError, match=r"have [\d,]+ bytes; a pretrained model may have at most 1,000: use"):
        ship(trained, folds, tmp_path / "models" / DEFAULT, phantoms, monkeypatch)
    assert not list((tmp_path / "models").iterdir())


def test_a_folder_of_another_name_is_refused(
    trained: RunFolder, folds: Path, phantoms: "Phantoms", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError) as error:
        ship(trained, folds, tmp_path / "other", phantoms, monkeypatch)
    assert str(error.value) == f"the model is called {DEFAULT}, but its folder other; use the same name"


def test_probabilities_of_the_folds_are_kept_in_full(model: Shipped, folds: Path) -> None:
    kept = Predictions.read(RunFolder(model.folder).predictions("validation"), uncalibrated=True)
    logits = {row.split(",")[0]: float(row.split(",")[1]) for row in folds.read_text().splitlines()[1:]}
    expected = 1 / (1 + np.exp(-np.array([logits[one] for one in kept.image_ids])))
    np.testing.assert_allclose(kept.probability("melanoma"), expected, rtol=1e-12)
