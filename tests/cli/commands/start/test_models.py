"""Every command that takes a model takes the name of a pretrained one."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attnmel import NOTICE
from attnmel.pretrained.catalogue import DEFAULT
from attnmel.pretrained.examples import FOLDER, example_names

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms

FIRST = f"example:{example_names()[0]}"


@pytest.fixture(autouse=True)
def elsewhere(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def test_models_are_listed_with_their_auc(attnmel: "Attnmel", models: Path) -> None:
    ran = attnmel("models")
    assert f"{DEFAULT} (pretrained)  attnmel-cnn on vgg16_bn" in ran.out
    assert FIRST in ran.out
    assert NOTICE in ran.out
    (card,) = json.loads(attnmel("models", "--json").out)
    auc = next(one for one in card["measures"] if one["measure"] == "auc")
    assert f"{auc['value']:.3f} ({auc['low']:.3f} - {auc['high']:.3f})" in ran.out


def test_a_card_is_printed(attnmel: "Attnmel") -> None:
    assert attnmel("models", "pretrained").out == attnmel("models", DEFAULT).out
    assert "It knows nothing of skin." in attnmel("models", DEFAULT).out
    assert json.loads(attnmel("models", DEFAULT, "--json").out)["name"] == DEFAULT


def test_an_unknown_name_is_answered_with_the_known_ones(attnmel: "Attnmel") -> None:
    ran = attnmel("models", "vgg")
    assert (ran.code, ran.err) == (1, f"error: unknown model 'vgg'; known: {DEFAULT}, pretrained\n")


def test_predictions_are_those_of_the_checkpoint(attnmel: "Attnmel", models: Path) -> None:
    ran = attnmel("predict", "pretrained", "example:all", "--json", "--maps", "maps")
    said = json.loads(ran.out)
    assert [one["target"] for one in said["thresholds"]] == [0.82, 0.89, 0.95]
    assert said["chosen_on"] == "out-of-fold predictions of two folds"
    assert [Path(one["image"]).stem for one in said["images"]] == list(example_names())
    slow = json.loads(attnmel("predict", models / DEFAULT / "best.safetensors", FOLDER, "--json").out)
    assert [one["target"] for one in slow["thresholds"]] == [0.82, 0.89, 0.95]
    for one, other in zip(said["images"], slow["images"], strict=True):
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=1e-4)
    assert len(list(Path("maps").glob("*.png"))) == 12


def test_it_is_explained(attnmel: "Attnmel") -> None:
    assert attnmel("explain", "pretrained", FIRST).code == 0
    name = FIRST.removeprefix("example:")
    assert {path.name for path in Path("maps").iterdir()} == {f"{name}-pool3.png", f"{name}-pool4.png", f"{name}.npz"}


def test_it_is_evaluated_in_a_run_folder_of_the_user(attnmel: "Attnmel", phantoms: "Phantoms", models: Path) -> None:
    ran = attnmel("evaluate", "pretrained", "--home", phantoms.home)
    assert ran.code == 0
    assert f"predictions: runs/{DEFAULT}/predictions/test.csv" in ran.out
    assert "note: temperature and thresholds were chosen on out-of-fold predictions of two folds" in ran.out
    assert not (models / DEFAULT / "predictions" / "test-attention.npz").exists()
    refused = attnmel("evaluate", "pretrained", "--split", "validation", "--home", phantoms.home)
    assert refused.err.startswith(f"error: {DEFAULT} was trained on the images of the split 'validation'")


def test_results_elsewhere_need_a_run_as_any(attnmel: "Attnmel", elsewhere: Path) -> None:
    ran = attnmel("evaluate", "runs/mine", "--out", "there")
    assert ran.err == (
        f"error: runs/mine is not a run folder: there is no such folder in {elsewhere}; train one first\n"
    )


def test_it_is_exported(attnmel: "Attnmel", models: Path) -> None:
    assert attnmel("export", DEFAULT, "--onnx").out == f"{DEFAULT}.onnx\n"
    assert Path(f"{DEFAULT}.onnx").read_bytes() == (models / DEFAULT / "model.onnx").read_bytes()


def test_a_folder_of_that_name_is_pointed_out_and_reached_by_its_path(attnmel: "Attnmel", elsewhere: Path) -> None:
    (elsewhere / "pretrained").mkdir()
    ran = attnmel("predict", "pretrained", FIRST)
    assert ran.code == 0
    first, notice, *_ = ran.err.splitlines()
    assert first == "pretrained is the model that comes with attnmel; for the folder here write ./pretrained"
    assert notice.startswith(NOTICE)
    assert "the folder pretrained holds no best.safetensors" in attnmel("predict", "./pretrained", FIRST).err


def test_a_model_without_its_file_is_one_sentence(attnmel: "Attnmel", models: Path) -> None:
    path = models / DEFAULT / "model.onnx"
    path.unlink()
    ran = attnmel("predict", "pretrained", FIRST)
    assert (ran.code, ran.err) == (
        1,
        f"error: {path}, a file of the pretrained model {DEFAULT}, is missing; install attnmel again\n",
    )
