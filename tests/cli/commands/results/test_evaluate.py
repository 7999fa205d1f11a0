"""`attnmel evaluate` and `compare` as a user meets them."""

import csv
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from attnmel.cli.app import app
from attnmel.data.archives.fetch import fetch
from attnmel.files.folders import RunFolder
from attnmel.models.weights.checkpoints import set_temperature
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms


@pytest.fixture
def run(trained: RunFolder, tmp_path: Path) -> RunFolder:
    return RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))


def evaluate(run: RunFolder, on: str | Path, home: Path, *arguments: str) -> dict[str, Any]:
    command = ["evaluate", str(run.path), "--json", "--on", str(on), "--home", str(home), *arguments]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def folder_with_masks(phantoms: "Phantoms", folder: Path, *, without: int) -> Path:
    """Put the test images into a folder as a clinic would, all but some with their masks."""
    source = phantoms.home / "data" / "phantoms"
    with next(source.glob("*Test*Part3*.csv")).open(newline="") as file:
        truth = {row["image_id"]: bool(float(row["melanoma"])) for row in csv.DictReader(file)}
    (folder / "masks").mkdir(parents=True)
    rows = ["image,label,mask"]
    for number, image in enumerate(sorted(source.glob("*Test*Data/*.jpg"))):
        shutil.copy(image, folder)
        mask = next(source.glob(f"*Test*Part1*/{image.stem}_segmentation.png"))
        shutil.copy(mask, folder / "masks")
        named = f"masks/{mask.name}" if number >= without else ""
        rows.append(f"{image.name},{'melanoma' if truth[image.stem] else 'rest'},{named}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_a_folder_with_masks_is_judged_on_overlap_as_well(run: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    own = json.loads(run.measures.read_text())["test"]
    judged = evaluate(run, folder_with_masks(phantoms, tmp_path / "clinic", without=0), phantoms.home)
    assert judged["masks"] == 12
    assert set(judged["overlap"]) == {"pool3", "pool4"}
    # The same images by another door: the same values to the last bit.
    assert judged["overlap"] == own["overlap"]
    assert judged["judgement"]["rows"] == own["judgement"]["rows"]
    assert len(run.overlap("clinic-all").read_text().splitlines()) >= 13


def test_images_without_a_mask_are_left_out_of_the_overlap(
    run: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    judged = evaluate(run, folder_with_masks(phantoms, tmp_path / "clinic", without=5), phantoms.home)
    assert judged["masks"] == 7
    assert all(0 <= low <= value <= high <= 1 for value, low, high in judged["overlap"].values())


def test_another_known_data_set_is_judged_by_its_name(run: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    home = tmp_path / "home"
    fetch("isic2017", home, mirror=phantoms.mirror)
    own = json.loads(run.measures.read_text())["test"]
    judged = evaluate(run, "isic2017", home)
    assert (judged["name"], judged["dataset"], judged["split"]) == ("isic2017-test", "isic2017", "test")
    assert judged["judgement"]["rows"] == own["judgement"]["rows"]
    assert run.submission("isic2017-test").is_file()
    assert set(json.loads(run.measures.read_text())) == {"validation", "test", "isic2017-test"}


def test_the_run_s_own_data_set_by_name_is_no_external_set(run: RunFolder, phantoms: "Phantoms") -> None:
    judged = evaluate(run, "phantoms", phantoms.home, "--split", "validation")
    assert (judged["name"], judged["on"], judged["judgement"]["images"]) == ("validation", None, 10)


def test_the_table_shows_measures_overlap_and_where_the_predictions_lie(
    run: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    folder = folder_with_masks(phantoms, tmp_path / "clinic", without=0)
    result = CliRunner().invoke(app, ["evaluate", str(run.path), "--on", str(folder), "--home", str(phantoms.home)])
    assert result.exit_code == 0, result.output
    assert "attention pool4" in result.stdout
    assert "jaccard (12 masks)" in result.stdout
    assert str(run.predictions("clinic-all")) in result.stdout


def test_a_run_without_a_temperature_is_said_to_be_uncalibrated_and_why(
    attnmel: "Attnmel", run: RunFolder, phantoms: "Phantoms"
) -> None:
    set_temperature(run.best, None, (), "the scores are too large")
    ran = attnmel("evaluate", run.path, "--home", phantoms.home)
    assert ran.code == 0, ran.err
    told = "not calibrated: no temperature fits the validation images of the training (the scores are too large); "
    assert f"\n{told}probabilities and thresholds are the network's own\n" in ran.out


def test_operating_points_follow_the_measures_with_those_asked_for(run: RunFolder, phantoms: "Phantoms") -> None:
    asked = ["--sensitivity", "0.9", "--sensitivity", "0.7", "--prevalence", "0.005"]
    result = CliRunner().invoke(app, ["evaluate", str(run.path), "--home", str(phantoms.home), *asked])
    assert result.exit_code == 0, result.output
    (sentence,) = (line for line in result.stdout.splitlines() if line.startswith("operating points"))
    assert "called melanoma strictly above a threshold of " in sentence
    assert "calibrated probabilities" in sentence
    assert "chosen on 10 validation images" in sentence
    header = next(line for line in result.stdout.splitlines() if "aim 0.7 " in line)
    assert header.split()[3::2] == ["0.7", "0.82", "0.89", "0.9", "0.95"]
    assert "ppv at 0.5 %" in result.stdout
    judged = evaluate(run, "phantoms", phantoms.home, *asked)
    points = judged["details"]["operating"][0]["points"]
    assert [point["target"] for point in points] == [
        None,
        0.7,
        0.82,
        0.89,
        0.9,
        0.95,
    ]


def test_a_sensitivity_in_per_cent_is_told(attnmel: "Attnmel", run: RunFolder, phantoms: "Phantoms") -> None:
    ran = attnmel("evaluate", run.path, "--home", phantoms.home, "--sensitivity", "90")
    assert ran.code == 1
    assert ran.err == "error: a sensitivity of 90 cannot be aimed at; expected a number above 0, at most 1\n"


@pytest.fixture
def other(trained: RunFolder, tmp_path: Path) -> RunFolder:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "seed-1")))
    run.recipe.write_text(run.recipe.read_text().replace('name = "demo"', 'name = "plain"'))
    held = Predictions.read(run.predictions("test"))
    turned = Predictions(held.image_ids, held.classes, held.probabilities[:, ::-1].copy(), held.labels, held.groups)
    turned.write(run.predictions("test"), "synthetic")
    return run


def test_tables_and_a_sentence_a_row_are_printed(attnmel: "Attnmel", trained: RunFolder, other: RunFolder) -> None:
    ran = attnmel("compare", trained.path, other.path)
    assert ran.code == 0, ran.err
    assert "test: 12 images (5 melanoma), at threshold 0.5" in ran.out
    assert "First: demo. Second: plain." in ran.out
    assert ran.out.count("plain against demo, melanoma: ") == 1
    assert "note: p" not in ran.out
    assert "p is corrected by Holm over 5 rows" in ran.out


def test_of_files_alone_no_split_is_said(
    attnmel: "Attnmel", trained: RunFolder, other: RunFolder, tmp_path: Path
) -> None:
    files = [run.predictions("test") for run in (trained, other)]
    ran = attnmel("compare", *files, "--measure", "auc")
    assert ran.out.startswith("12 images (5 melanoma), at threshold 0.5\n"), ran.err
    table = tmp_path / "theirs.csv"
    held = Predictions.read(files[0])
    rows = [f"{name},{share}" for name, share in zip(held.image_ids, held.probabilities[:, 1], strict=True)]
    table.write_text("\n".join([f"image,probability_{held.classes[1]}", *rows]))
    assert attnmel("compare", files[0], table, "--measure", "auc").out.startswith("12 images")
    assert attnmel("compare", trained.path, files[1], "--measure", "auc").out.startswith("test: 12 images")
    assert json.loads(attnmel("compare", *files, "--measure", "auc", "--json").out)["split"] is None


def test_programs_get_json_with_the_same_sentences(attnmel: "Attnmel", trained: RunFolder, other: RunFolder) -> None:
    ran = attnmel("compare", trained.path, other.path, "--json", "--measure", "auc", "--operating-point", "0.8")
    found = json.loads(ran.out)
    rows = found["comparison"]["differences"]
    assert [row["measure"] for row in rows] == ["auc"]
    assert found["operating_point"] == 0.8
    held = Predictions.read(trained.predictions("test"))
    assert np.isclose(rows[0]["first_value"] + rows[0]["second_value"], 1), "turned scores turn the AUC"
    assert len(found["sentences"]) == 1
    assert found["comparison"]["images"] == len(held.image_ids)


def test_what_cannot_be_compared_is_one_sentence(attnmel: "Attnmel", trained: RunFolder, tmp_path: Path) -> None:
    for arguments, message in [
        ((trained.path,), "a comparison needs two runs or more; name another run, or a folder of several seeds"),
        ((trained.path, trained.path), "is named twice; name each run once"),
        (
            (trained.path, tmp_path),
            "expected a run folder, a folder of seed-* runs, a predictions file, or a",
        ),
    ]:
        ran = attnmel("compare", *arguments)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith("error: ")
        assert message in ran.err
        assert ran.err.count("\n") == 1
