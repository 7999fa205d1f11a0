"""`attnmel predict` and `export` as a user meets them."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attnmel import NOTICE
from attnmel.deploy.onnx.export_facts import read_onnx_card
from attnmel.files.folders import RunFolder
from attnmel.models.weights.checkpoints import read_checkpoint
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms


def test_uncalibrated_probabilities_are_those_of_evaluate(
    attnmel: "Attnmel", calibrated: RunFolder, phantoms: "Phantoms"
) -> None:
    image = next((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))
    judged = Predictions.read(calibrated.predictions("test"), uncalibrated=True)
    expected = judged.probability("melanoma")[judged.image_ids.index(image.stem)]
    plain = json.loads(attnmel("predict", calibrated.path, image, "--json", "--uncalibrated").out)
    assert abs(plain["images"][0]["uncalibrated"]["melanoma"] - expected) < 1e-6
    assert plain["temperature"] is None
    usual = json.loads(attnmel("predict", calibrated.path, image, "--json").out)
    assert usual["temperature"] == read_checkpoint(calibrated.best)[1].temperature
    assert usual["images"] != plain["images"]
    table = attnmel("predict", calibrated.path, image, "--uncalibrated")
    use, scale, rest = table.err.splitlines()
    assert use.startswith(f"{NOTICE} Trained on data under: ")
    assert scale == "Not calibrated: as requested. No decisions: no operating point is known."
    assert (
        rest == "What each decision achieved, and which warnings are not checked: --verbose, or the file next to --out."
    )
    whole = attnmel("predict", calibrated.path, image, "--uncalibrated", "--verbose")
    assert whole.out == table.out
    assert whole.err.splitlines()[2:4] == [
        "Not calibrated: as requested.",
        "No decisions: no operating point is known.",
    ]
    assert (
        table.out.splitlines()[0]
        == "image,uncalibrated_rest,uncalibrated_melanoma,share_of_image,share_of_lesion,warnings,notes,error"
    )


def test_what_the_transforms_are_is_said_once(attnmel: "Attnmel", calibrated: RunFolder, phantoms: "Phantoms") -> None:
    image = next((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))
    for more in ([], ["--verbose"]):
        ran = attnmel("predict", calibrated.path, image, "--tta", "dihedral", *more)
        assert ran.err.lower().count("means over 8 transforms of each image (dihedral)") == 1


def test_a_threshold_of_the_users_own_adds_a_column_of_decisions(
    attnmel: "Attnmel", calibrated: RunFolder, phantoms: "Phantoms"
) -> None:
    image = next((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))
    ran = attnmel("predict", calibrated.path, image, "--threshold", "0.3", "--threshold", "0")
    assert ran.code == 0, ran.err
    header, row = (line.split(",") for line in ran.out.splitlines())
    found = dict(zip(header, row, strict=True))
    assert found["decision_melanoma_threshold_0.0"] == "1"
    assert found["decision_melanoma_threshold_0.3"] == str(int(float(found["probability_melanoma"]) > 0.3))
    refused = attnmel("predict", calibrated.path, image, "--threshold", "1.5")
    assert refused.code == 1
    assert "threshold 1.5; expected a probability, at least 0 and below 1" in refused.err
    other = attnmel("predict", calibrated.path, image, "--threshold", "0.3", "--uncalibrated")
    assert "a threshold is of the calibrated probabilities" in other.err


@pytest.mark.usefixtures("small_photograph")
def test_export_says_what_was_checked_and_where_the_file_is(
    attnmel: "Attnmel", calibrated: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    out = tmp_path / "model.onnx"
    ran = attnmel("export", calibrated.path, "--onnx", "--out", out, "--home", phantoms.home, "--limit", "4")
    assert ran.code == 0
    assert ran.out.startswith("checked on 4 images of ")
    assert ran.out.endswith(f"\n{out}\n")
    assert read_onnx_card(out)[1].parity[0].images == 4


@pytest.mark.usefixtures("small_photograph")
def test_json_of_export_holds_the_facts_of_the_file(attnmel: "Attnmel", calibrated: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "model.onnx"
    ran = attnmel("export", calibrated.path, "--onnx", "--out", out, "--home", tmp_path / "home", "--json")
    told = json.loads(ran.out)
    assert told["path"] == str(out)
    assert told["checked_on"] == "2 large phantoms"
    assert "checked only on large phantoms" in ran.err


def test_export_without_a_format_writes_onnx_into_folders_that_it_makes(attnmel: "Attnmel", tmp_path: Path) -> None:
    out = tmp_path / "new" / "deep" / "model.onnx"
    ran = attnmel("export", "pretrained", "--out", out)
    assert (ran.code, ran.out) == (0, f"{out}\n")
    assert out.is_file()


def test_a_missing_package_is_answered_with_the_line_to_type(
    attnmel: "Attnmel", trained: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    ran = attnmel("export", trained.path, "--onnx")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        "error: an ONNX file needs the package openvino, which is not installed; type: pip install 'attnmel[export]'\n"
    )


def test_export_of_nothing_is_an_error(attnmel: "Attnmel", tmp_path: Path) -> None:
    ran = attnmel("export", tmp_path / "nothing", "--onnx")
    assert ran.code == 1
    assert ran.err == (
        f"error: no checkpoint at {tmp_path / 'nothing'}; expected a run folder, a .safetensors or ONNX file, or a "
        "name of `attnmel models`\n"
    )
