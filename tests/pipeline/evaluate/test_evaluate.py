"""Measures come from the predictions file alone; an external folder is judged as well."""

import csv
import dataclasses
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from attnmel.config.load import load_recipe
from attnmel.errors import ConfigError, LabelError
from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.files.folders import RunFolder
from attnmel.pipeline.evaluate.evaluate import evaluate_run
from attnmel.pipeline.report.report import report_runs
from attnmel.pipeline.run.images.dataset import prepare
from attnmel.pipeline.run.results.results import read_measures
from attnmel.pipeline.run.run import Run
from attnmel.pipeline.train.train import train_run
from attnmel.records import Predictions

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from tests.conftest import Phantoms


TINY = ("data.size=32", "model.width=0.05", "training.batch=8", "training.precision=float32", "training.device=cpu")


def test_measures_follow_from_the_predictions_file(trained: RunFolder) -> None:
    predictions = Predictions.read(trained.predictions("test"))
    judged = read_measures(trained)["test"]
    expected = evaluate_classification(predictions, ["melanoma"])
    own, others = judged.judgement.notes[: len(expected.notes)], judged.judgement.notes[len(expected.notes) :]
    assert others[0].startswith("the network saw 36 % of an image's area on average and ")
    plain = dataclasses.replace(judged.judgement, notes=own)
    assert plain.to_dict() == expected.to_dict()  # NaN is unlike itself, None is not
    truth, scores = predictions.is_class("melanoma"), predictions.probability("melanoma")
    assert judged.judgement.row("melanoma", "auc").value == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)
    assert judged.judgement.row("melanoma", "ap").value == pytest.approx(
        average_precision_score(truth, scores), abs=1e-12
    )


def test_maps_and_predictions_share_their_image_ids(trained: RunFolder) -> None:
    predictions = Predictions.read(trained.predictions("test"))
    with np.load(trained.attention("test")) as arrays:
        assert tuple(arrays["image"].tolist()) == predictions.image_ids
        assert arrays["pool3"].shape == (12, 4, 4)
        assert arrays["pool4"].shape == (12, 2, 2)


def test_the_submission_is_in_the_official_format(trained: RunFolder) -> None:
    with trained.submission("test").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["image_id", "melanoma", "seborrheic_keratosis"]
    assert len(rows) == 12


def own_folder(phantoms: "Phantoms", folder: Path, *, part: str = "Test", melanoma_only: bool = False) -> Path:
    source = phantoms.home / "data" / "phantoms"
    with next(source.glob(f"*{part}*Part3*.csv")).open() as file:
        truth = {row["image_id"]: float(row["melanoma"]) for row in csv.DictReader(file)}
    folder.mkdir()
    lines = ["image,label"]
    for image in sorted(source.glob(f"*{part}*Data/*.jpg")):
        if not melanoma_only or truth[image.stem]:
            shutil.copy(image, folder)
            lines.append(f"{image.name},{'melanoma' if truth[image.stem] else 'rest'}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_a_folder_of_the_same_images_gets_the_same_measures(
    trained: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))
    folder = own_folder(phantoms, tmp_path / "clinic")
    judged = evaluate_run(Run(run, phantoms.home), on=str(folder))
    own = read_measures(trained)["test"]
    assert judged.judgement.to_dict()["rows"] == own.judgement.to_dict()["rows"]
    assert (judged.name, judged.masks, judged.overlap) == ("clinic-all", 0, {})
    assert set(json.loads(run.measures.read_text())) == {"validation", "test", "clinic-all"}


def test_of_an_external_set_of_one_class_what_is_defined_is_given(
    trained: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))
    folder = own_folder(phantoms, tmp_path / "clinic", melanoma_only=True)
    table = folder / "labels.csv"
    table.write_text(table.read_text().replace("image,label", "isic_id;dx").replace(",", ";"))
    opened = Run(run, phantoms.home)
    results = evaluate_run(opened, on=str(folder), columns={"image": "isic_id", "label": "dx"}, resamples=20)
    predictions = opened.predictions("clinic-all")
    found = (predictions.probability("melanoma") > 0.5).mean()
    assert results.judgement.row("melanoma", "sensitivity").value == pytest.approx(found)
    undefined = [row.measure for row in results.judgement.rows if np.isnan(row.value)]
    assert undefined == ["auc", "ap", "specificity", "balanced_accuracy"]
    images = len(predictions.image_ids)
    assert results.judgement.notes[0] == (
        f"all {images} images are melanoma, so that auc, ap, specificity, balanced_accuracy are not defined"
    )
    again = Run(run, phantoms.home)
    assert again.dataset_on(str(folder)).dataset.name == "clinic"  # by the columns of the evaluation
    page = report_runs([again], split="clinic-all", out=tmp_path / "report.html").read_text()
    assert f"All {images} images are melanoma" in page


def test_a_folder_that_changed_since_the_training_is_not_judged_as_its_test(
    phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path
) -> None:
    folder = own_folder(phantoms, tmp_path / "clinic", part="Training")
    recipe = load_recipe("demo", [*TINY, f"data.dataset={folder}", "loss.prior=none", "training.epochs=1"])
    run = RunFolder(tmp_path / "run")
    train_run(recipe, run, home=tmp_path / "home", fabric=fabric)
    table = (folder / "labels.csv").read_text().splitlines()
    name, label = table[1].split(",")
    table[1] = f"{name},{'rest' if label == 'melanoma' else 'melanoma'}"
    (folder / "labels.csv").write_text("\n".join(table))
    with pytest.raises(LabelError, match=r"the labels, groups or split of clinic are not those that .* was trained on"):
        evaluate_run(Run(run, tmp_path / "home"))
    with pytest.raises(LabelError, match="the labels, groups or split of clinic are not those"):
        evaluate_run(Run(run, tmp_path / "home"), on=str(folder))


def test_every_seed_of_an_own_folder_has_the_same_split(phantoms: "Phantoms", tmp_path: Path) -> None:
    folder = own_folder(phantoms, tmp_path / "clinic", part="Training")
    recipes = [load_recipe("demo", [*TINY, f"data.dataset={folder}", f"training.seed={seed}"]) for seed in (0, 1)]
    one, other = (prepare(recipe.data, home=tmp_path / "home") for recipe in recipes)
    assert one.lesions == other.lesions


def test_a_folder_without_a_run_is_told(tmp_path: Path, phantoms: "Phantoms") -> None:
    with pytest.raises(ConfigError, match=r"is not a run folder: no recipe\.toml in it"):
        evaluate_run(Run(RunFolder(tmp_path), phantoms.home))


def test_an_unknown_split_is_answered_with_the_known_ones(trained: RunFolder, phantoms: "Phantoms") -> None:
    with pytest.raises(ConfigError, match="unknown split 'holdout'; known: all, internal, test, train, validation"):
        evaluate_run(Run(trained, phantoms.home), split="holdout")
