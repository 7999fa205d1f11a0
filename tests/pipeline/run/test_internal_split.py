"""ISIC 2018 task 3 through training: both of its test splits are judged, with what is known of each image."""

import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attnmel.config.load import load_recipe
from attnmel.data.archives.fetch import fetch
from attnmel.data.datasets.read_dataset import read_dataset
from attnmel.evaluation.thesis.published import CLASSES_2018
from attnmel.files.folders import RunFolder
from attnmel.pipeline.evaluate.evaluate import evaluate_run
from attnmel.pipeline.experiment import run_recipe
from attnmel.pipeline.report.report import report_runs
from attnmel.pipeline.run.images.dataset import prepare
from attnmel.pipeline.run.images.known_list import read_leaks
from attnmel.pipeline.run.provenance import read_provenance
from attnmel.pipeline.run.results.details import read_details
from attnmel.pipeline.run.results.results import read_measures
from attnmel.pipeline.run.run import Run
from attnmel.records import Predictions

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from tests.conftest import Phantoms

SETTINGS = (
    "data.dataset=isic2018",
    'data.classes=["MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC"]',
    'data.positives=["MEL"]',
    "data.repeats={}",
    "data.size=32",
    "model.width=0.05",
    "loss.prior=none",
    "training.epochs=1",
    "training.batch=4",
    "training.precision=float32",
    "training.device=cpu",
)


def write_mirror(year: Path, phantoms: "Phantoms") -> None:
    """Write some phantoms as task 3 of 2018, diagnosed in turn; three lesions have two images, half an age."""
    year.mkdir(parents=True)
    start, groups, metadata = f"{year}/ISIC2018_Task3", ["image,lesion_id,diagnosis_confirm_type"], []
    lesions = read_dataset("phantoms", phantoms.home).lesions
    for part, split in (("Training", "train"), ("Test", "test")):
        chosen = [lesion for lesion in lesions if lesion.split == split]
        rows = ["image,MEL,NV,BCC,AKIEC,BKL,DF,VASC"]
        with zipfile.ZipFile(f"{start}_{part}_Input.zip", "w") as images:
            for number, lesion in enumerate(chosen):
                images.write(lesion.image, lesion.image.name)
                rows.append(",".join([lesion.image_id, *("01"[place == number % 7] for place in range(7))]))
                if part == "Training":
                    groups.append(f"{lesion.image_id},L{number - 7 * (number > 20)},histopathology")
                    metadata.append(f"L,{lesion.image_id},nv,histo,{40.0 if number % 2 else ''},,")
        with zipfile.ZipFile(f"{start}_{part}_GroundTruth.zip", "w") as table:
            table.writestr("truth.csv", "\n".join(rows))
    Path(f"{start}_Training_LesionGroupings.csv").write_text("\n".join(groups))
    header = "lesion_id,image_id,dx,dx_type,age,sex,localization"
    (year / "HAM10000_metadata.csv").write_text("\n".join([header, *metadata]))


@pytest.fixture(scope="module")
def home(phantoms: "Phantoms", tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("isic2018")
    write_mirror(folder / "mirror" / "2018", phantoms)
    fetch("isic2018", folder / "home", mirror=(folder / "mirror").as_uri())
    return folder / "home"


@pytest.fixture(scope="module")
def run(home: Path, fabric: "Fabric", tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    run = RunFolder(tmp_path_factory.mktemp("runs") / "seed-0")
    run_recipe(load_recipe("demo", SETTINGS), run, home=home, fabric=fabric, resamples=20)
    return run


def test_training_judges_both_test_splits(run: RunFolder, home: Path) -> None:
    assert set(read_measures(run)) == {"validation", "internal", "test"}
    lesions = prepare(load_recipe("demo", SETTINGS).data, home=home).lesions
    for split in ("internal", "test"):
        expected = {lesion.image_id for lesion in lesions if lesion.split == split}
        assert set(Predictions.read(run.predictions(split)).image_ids) == expected
    splits = read_provenance(run)["data"]["splits"]
    assert sum(counts["images"] for counts in splits.values()) == len(lesions)
    assert splits["internal"]["MEL"] >= 1


def test_the_internal_split_is_judged_again_alike(run: RunFolder, home: Path) -> None:
    before = read_measures(run)["internal"]
    assert evaluate_run(Run(run, home), split="internal", resamples=20) == before


def test_predictions_carry_the_attributes_that_are_known(run: RunFolder, home: Path) -> None:
    known = {lesion.image_id: lesion.attributes for lesion in read_dataset("isic2018", home).lesions}
    internal = Predictions.read(run.predictions("internal"))
    assert set(internal.attributes) == {name for i in internal.image_ids for name in known[i]}
    assert internal.attributes["confirmation"] == ("histopathology",) * len(internal.image_ids)
    assert internal.groups == tuple(groups_of(home)[i] for i in internal.image_ids)
    assert Predictions.read(run.predictions("test")).attributes == {}


def groups_of(home: Path) -> dict[str, str | None]:
    return {lesion.image_id: lesion.group for lesion in read_dataset("isic2018", home).lesions}


def test_a_network_of_other_classes_is_judged_there_without_a_submission(
    trained: RunFolder, home: Path, tmp_path: Path
) -> None:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))
    judged = evaluate_run(Run(run, home), on="isic2018", allow_leakage=True, resamples=20)
    assert judged.judgement.row("melanoma", "auc").positives == 2, "MEL is melanoma, every other class the rest"
    assert (judged.submission, run.submission(judged.name).exists()) == ("", False)
    details = read_details(run, judged)
    assert details is not None
    assert details.official is not None
    assert set(details.official.counts) == {"MEL"}


def test_a_split_that_leaks_by_name_is_judged_and_says_so(home: Path, fabric: "Fabric", tmp_path: Path) -> None:
    run, leaky = RunFolder(tmp_path / "seed-0"), read_dataset("isic2018-leaky", home).lesions
    settings = (*SETTINGS, "data.dataset=isic2018-leaky", f"data.positives={list(CLASSES_2018)}")
    run_recipe(load_recipe("demo", settings), run, home=home, fabric=fabric, resamples=20)
    learnt = {one.group for one in leaky if one.split in ("train", "validation")}
    known = {one.image_id for one in leaky if one.split == "internal" and one.group in learnt}
    assert len(known) == 2, "of the three lesions with two images"
    judged = read_measures(run)["internal"]
    assert (
        f"{len(known)} of the images are known from training; see leakage.csv, which --exclude takes"
        in judged.judgement.notes
    )
    assert {one.image for one in read_leaks(run) if one.judged == "internal"} == known
    assert {one.kind for one in read_leaks(run)} == {"same lesion"}
    assert judged.judgement.units == len({one.group for one in leaky if one.split == "internal"})
    assert read_measures(run)["test"].submission == "ISIC 2018 task 3 format."
    page = report_runs([Run(run, home)], split="internal", out=tmp_path / "report.html").read_text(encoding="utf-8")
    assert "split by image: leaks" in page
    assert "Images known from training" in page
    for name in CLASSES_2018:
        assert f"{name} against the rest, internal" in page
        assert f"Recall of {name}" in page
