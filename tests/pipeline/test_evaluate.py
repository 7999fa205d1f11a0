"""Measures come from the predictions file alone; an external folder is judged as well."""

import csv
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from attnmel.errors import ConfigError, PredictionsError
from attnmel.evaluation.judgement import judge
from attnmel.folders import RunFolder
from attnmel.pipeline.evaluate import evaluate_run, read_measures
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.conftest import Phantoms


def test_measures_follow_from_the_predictions_file(trained: RunFolder) -> None:
    predictions = Predictions.read(trained.predictions("test"))
    judged = read_measures(trained)["test"]
    assert judged.judgement == judge(predictions, ["melanoma"])
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


def own_folder(phantoms: "Phantoms", folder: Path, *, melanoma_only: bool = False) -> Path:
    source = phantoms.home / "data" / "phantoms"
    with next(source.glob("*Test*Part3*.csv")).open() as file:
        truth = {row["image_id"]: float(row["melanoma"]) for row in csv.DictReader(file)}
    folder.mkdir()
    lines = ["image,label"]
    for image in sorted(source.glob("*Test*Data/*.jpg")):
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
    judged = evaluate_run(run, home=phantoms.home, on=str(folder))
    assert judged.judgement.rows == read_measures(trained)["test"].judgement.rows
    assert (judged.name, judged.masks, judged.overlap) == ("clinic-all", 0, {})
    assert set(json.loads(run.measures.read_text())) == {"validation", "test", "clinic-all"}


def test_an_external_set_of_one_class_is_told(trained: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))
    folder = own_folder(phantoms, tmp_path / "clinic", melanoma_only=True)
    with pytest.raises(PredictionsError, match="measures of melanoma against the rest need images of both kinds"):
        evaluate_run(run, home=phantoms.home, on=str(folder))


def test_a_folder_without_a_run_is_told(tmp_path: Path, phantoms: "Phantoms") -> None:
    with pytest.raises(ConfigError, match=r"is not a run folder: no recipe\.toml in it"):
        evaluate_run(RunFolder(tmp_path), home=phantoms.home)


def test_an_unknown_split_is_answered_with_the_known_ones(trained: RunFolder, phantoms: "Phantoms") -> None:
    with pytest.raises(ConfigError, match="unknown split 'holdout'; known: all, test, train, validation"):
        evaluate_run(trained, home=phantoms.home, split="holdout")
