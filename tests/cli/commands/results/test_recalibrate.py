"""`attnmel recalibrate`: the three commands of docs/explanations/calibration.md, as a user types them."""

import json
import re
from pathlib import Path

import pytest
from tests.cli.conftest import Attnmel
from tests.other_place import OtherPlace, make_other_place

from attnmel.files.folders import RunFolder


@pytest.fixture
def place(trained: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OtherPlace:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTNMEL_HOME", str(tmp_path / "home"))
    return make_other_place(trained, tmp_path)


def test_a_run_is_recalibrated_evaluated_elsewhere_and_predicts(attnmel: Attnmel, place: OtherPlace) -> None:
    ran = attnmel("recalibrate", place.run.path, "--on", place.clinic, "--split", "train", "--out", "runs/clinic")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert re.fullmatch(r"6\d images, \d+ melanoma", lines[0])
    assert any("at least 100 of each are advised" in line for line in lines if line.startswith("note: "))
    heads = [line.split()[0] for line in lines if line and not line.startswith("note: ")]
    assert heads[2:9] == ["melanoma", "intercept", "slope", "calibration_error", "brier", "log_loss", "after:"]
    assert [line.split()[1] for line in lines if re.match(r"melanoma +0", line)] == ["0.82", "0.89", "0.95"]
    rates = r" +0\.\d{3} \(0\.\d{3} to [01]\.\d{3}\)"
    assert all(re.search(f"{rates}{rates}$", line) for line in lines if re.match(r"melanoma +0", line))
    assert "thresholds, with what they reach on the images that chose them, which flatter them" in lines
    assert lines[-1] == "try it on other images: attnmel evaluate runs/clinic --on FOLDER --split test"
    ran = attnmel("evaluate", "runs/clinic", "--on", place.clinic, "--split", "test")
    assert ran.code == 0, ran.err
    assert "note: temperature and thresholds were chosen on images of clinic (train)" in ran.out
    for split in ("clinic-test", "validation"):
        ran = attnmel("report", "runs/clinic", "--split", split, "--out", f"{split}.html")
        assert ran.code == 0, ran.err
        page = Path(f"{split}.html").read_text()
        assert re.search(r"6\d of clinic, train", page)
        assert not re.search("validation images|images of the validation|[Ii]nterval, validation", page)
    assert re.search(r"6\d recalibration images, \d+ melanoma", page)
    ran = attnmel("train", "runs/clinic", "--resume")
    assert "runs/clinic is a copy by `attnmel recalibrate`, without the state to continue from" in ran.err
    ran = attnmel("predict", "runs/clinic", place.clinic / "C000.png", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["chosen_on"] == "images of clinic (train)"


def test_a_model_that_comes_along_is_called_as_it_was_named(attnmel: Attnmel, models: Path, tmp_path: Path) -> None:
    ran = attnmel("recalibrate", "pretrained", "--on", "phantoms", "--out", tmp_path / "copy")
    assert (ran.code, ran.err) == (
        1,
        "error: phantoms is the data set that pretrained was trained on (temperature and thresholds were chosen on "
        "out-of-fold predictions of two folds); name images of another place by --on\n",
    )


def test_its_json_has_both_calibrations_and_the_thresholds(attnmel: Attnmel, place: OtherPlace) -> None:
    ran = attnmel("recalibrate", place.run.path, "--on", place.clinic, "--out", "copy", "--json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert (found["run"], found["images"], [*found["offsets"]]) == ("copy", 90, ["rest", "melanoma"])
    assert found["before"].keys() == found["after"].keys() >= {"intercept", "slope", "brier", "log_loss"}
    assert [one["target"] for one in found["thresholds"]] == [0.82, 0.89, 0.95]
    ran = attnmel("recalibrate", place.run.path, "--on", place.clinic, "--out", "copy")
    assert (ran.code, ran.err) == (1, "error: copy is not empty; name a new folder by --out\n")
