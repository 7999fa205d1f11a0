"""A pretrained model is copied to a run folder of the user; nothing is written to the installation."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attnmel.errors import ConfigError
from attnmel.files.folders import RunFolder
from attnmel.pipeline.evaluate.evaluate import evaluate_run
from attnmel.pipeline.pretrained.run import copy_onnx, own_run, refuse_trained_on
from attnmel.pipeline.run.run import Run
from attnmel.pretrained.catalogue import ANY, DEFAULT, Shipped, find_model
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.conftest import Phantoms


@pytest.fixture
def model(models: Path) -> Shipped:
    found = find_model(ANY)
    assert found is not None
    return found


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_judged_in_a_copy_it_has_the_figures_of_its_card(model: Shipped, phantoms: "Phantoms", tmp_path: Path) -> None:
    before = contents(model.folder)
    run = own_run(model, tmp_path / "own")
    judged = evaluate_run(Run(run, phantoms.home), resamples=20)
    expected = {one.measure: one.value for one in model.card.measures}
    assert {one.measure: one.value for one in judged.judgement.rows} == pytest.approx(expected)
    assert "temperature and thresholds were chosen on out-of-fold predictions of two folds" in judged.judgement.notes
    assert contents(model.folder) == before


def test_images_of_another_size_may_be_judged(model: Shipped, phantoms: "Phantoms", tmp_path: Path) -> None:
    """The official archive holds the images that a mirror holds reduced."""
    home = tmp_path / "home"
    shutil.copytree(phantoms.home / "data", home / "data")
    image = next((home / "data").rglob("*Test_v2_Data/*.jpg"))
    other = next(path for path in image.parent.glob("*.jpg") if path != image)
    shutil.copy(other, image)
    run = own_run(model, tmp_path / "own")
    evaluate_run(Run(run, home), resamples=20)
    assert len(Predictions.read(run.predictions("test")).image_ids) == 12


def test_again_it_is_the_same_folder(model: Shipped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = own_run(model)
    assert run == RunFolder(Path("runs") / DEFAULT)
    run.report.write_text("kept")
    assert own_run(model) == run
    assert run.report.read_text() == "kept"


def test_a_folder_of_something_else_is_refused(model: Shipped, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.tex").write_text("")
    with pytest.raises(ConfigError) as error:
        own_run(model, tmp_path / "own")
    assert str(error.value) == (
        f"{tmp_path / 'own'} contains something else than {DEFAULT}; choose another folder by --out, or move it away"
    )


@pytest.mark.parametrize("split", ["train", "validation", "all"])
def test_training_images_are_not_evaluated(model: Shipped, split: str) -> None:
    for on in (None, "phantoms"):
        with pytest.raises(ConfigError, match=f"{DEFAULT} was trained on the images of the split '{split}'"):
            refuse_trained_on(model, on, split)
    refuse_trained_on(model, "/data/clinic", split)
    refuse_trained_on(model, None, "test")


def test_the_onnx_file_is_copied_as_it_is(model: Shipped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert copy_onnx(model).read_bytes() == model.onnx.read_bytes()
    assert copy_onnx(model, tmp_path / "there" / "m.onnx").read_bytes() == model.onnx.read_bytes()
    with pytest.raises(ConfigError, match=f"{DEFAULT} is available in float32 only: in int8"):
        copy_onnx(model, int8=True)
