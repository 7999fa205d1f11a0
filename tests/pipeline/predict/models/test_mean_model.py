"""A folder of seeds predicts with the mean of its runs, on one scale with the thresholds of that mean."""

import csv
import dataclasses
import io
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from tests.factories import Recorder

from attnmel.errors import ConfigError
from attnmel.evaluation.calibration.temperature import at_temperature, fit_temperature
from attnmel.files.folders import RunFolder
from attnmel.files.seeds import runs_to_average
from attnmel.models.weights.checkpoints import read_checkpoint, save_weights
from attnmel.pipeline.predict.predict import predict_images
from attnmel.pipeline.run.results.results import add_measures, read_measures
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.conftest import Phantoms


@pytest.fixture(scope="module")
def images(phantoms: "Phantoms") -> list[Path]:
    return sorted((phantoms.home / "data").rglob("*Validation_Data/*.jpg"))


@pytest.fixture(scope="module")
def seeds(calibrated: RunFolder, images: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of other weights, each with its own predictions of the validation images; their labels can be learnt."""
    folder = tmp_path_factory.mktemp("seeds")
    for seed in (0, 1):
        run = RunFolder(Path(shutil.copytree(calibrated.path, folder / f"seed-{seed}")))
        tensors, card = read_checkpoint(run.best)
        generator = torch.Generator().manual_seed(seed)
        for name, one in tensors.items():
            if one.is_floating_point() and one.ndim > 1:
                tensors[name] = one * (1 + 0.2 * seed * torch.randn(one.shape, generator=generator))
        save_weights(run.best, tensors, dataclasses.replace(card, temperature=1.7))
        stored = Predictions.read(run.predictions("validation"), uncalibrated=True)
        found = {Path(one.image).stem: one.probabilities for one in predict_images(run.path, images, calibrated=False)}
        shares = np.array([found[one] for one in stored.image_ids])
        dataclasses.replace(stored, probabilities=shares).write(run.predictions("validation"), "CC0-1.0")
    runs = runs_to_average(folder)
    read = [Predictions.read(run.predictions("validation"), uncalibrated=True) for run in runs]
    mean = np.mean([one.probabilities[:, 1] for one in read], axis=0)
    labels = np.zeros(len(mean), dtype=np.int64)
    order = mean.argsort()[::-1]
    labels[order[: max(3, round(mean.sum()))]] = (
        1  # as many as predicted, the likeliest but one: there is a temperature
    )
    labels[order[2]] = 0
    for run, one in zip(runs, read, strict=True):
        dataclasses.replace(one, labels=labels).write(run.predictions("validation"), "CC0-1.0")
    return folder


def test_the_mean_has_the_thresholds_and_the_scale_of_the_mean(seeds: Path, images: list[Path]) -> None:
    stored = [Predictions.read(run.predictions("validation"), uncalibrated=True) for run in runs_to_average(seeds)]
    shares = np.array([one.probabilities for one in stored])
    uncalibrated = dataclasses.replace(stored[0], probabilities=shares.mean(axis=0))
    temperature = fit_temperature(uncalibrated).value
    expected = at_temperature(uncalibrated, temperature)
    each = [at_temperature(one, temperature).probability("melanoma") for one in stored]
    results = predict_images(seeds, images)
    rows = list(csv.DictReader(io.StringIO("".join(results.lines()))))
    order = [expected.image_ids.index(Path(row["image"]).stem) for row in rows]
    found = np.array([float(row["probability_melanoma"]) for row in rows])
    np.testing.assert_allclose(found, expected.probability("melanoma")[order], atol=1e-6)
    spread = np.array([float(row["spread_melanoma"]) for row in rows])
    np.testing.assert_allclose(spread, np.std(each, axis=0, ddof=1)[order], atol=2e-6)
    assert spread.max() > 0
    assert results.table.temperature == pytest.approx(temperature)
    assert results.table.thresholds
    positive = expected.is_class("melanoma")[order]
    for one in results.table.thresholds:
        called = np.array([row[f"decision_{one.name}"] == "1" for row in rows])
        assert called[positive].mean() == pytest.approx(one.sensitivity)
        assert (~called[~positive]).mean() == pytest.approx(one.specificity)
    assert (
        "Mean of 2 runs; spread_melanoma: standard deviation of the probability between them." in results.table.notice
    )
    plain = json.loads("".join(predict_images(seeds, images[:1]).lines(as_json=True)))
    assert plain["runs"] == 2
    assert plain["images"][0]["spread_melanoma"] == pytest.approx(spread[0], abs=2e-6)  # of one image alone


def test_of_copies_recalibrated_on_the_same_images_the_mean_is_calibrated_on_them(
    seeds: Path, images: list[Path], tmp_path: Path
) -> None:
    expected = predict_images(seeds, images[:1]).table.temperature
    copies = Path(shutil.copytree(seeds, tmp_path / "copies"))
    for run in runs_to_average(copies):
        add_measures(run, dataclasses.replace(read_measures(run)["validation"], on="/data/clinic", split="all"))
        tensors, card = read_checkpoint(run.best)
        save_weights(run.best, tensors, dataclasses.replace(card, recalibrated_on="images of clinic"))
    table = predict_images(copies, images[:1]).table
    assert table.temperature == expected is not None
    assert table.head()["chosen_on"] == "images of clinic"


def test_without_the_same_validation_images_the_mean_has_no_temperature(
    seeds: Path, images: list[Path], tmp_path: Path
) -> None:
    """Folds have other validation images each, in folders of their own."""
    for number, run in enumerate(runs_to_average(seeds), start=1):
        shutil.copytree(run.path, tmp_path / f"fold-{number}-of-2" / "seed-0")
    one = RunFolder(tmp_path / "fold-1-of-2" / "seed-0").predictions("validation")
    stored = Predictions.read(one, uncalibrated=True)
    renamed = tuple(f"other-{image_id}" for image_id in stored.image_ids)
    dataclasses.replace(stored, image_ids=renamed).write(one, "CC0-1.0")
    progress = Recorder()
    for calibrated in (True, False):
        results = predict_images(tmp_path, images[:2], calibrated=calibrated, progress=progress)
        assert results.table.columns == (
            *("image", "probability_rest", "probability_melanoma", "spread_melanoma"),
            *("share_of_image", "share_of_lesion", "warnings", "notes", "error"),
        )
    assert progress.notes == [f"{tmp_path} has no calibration temperature, so that --uncalibrated changes nothing"]
    assert "Not calibrated: not every run has predictions of the same validation images." in results.table.notice
    assert "No decisions" in results.table.notice


def test_runs_of_two_recipes_are_not_averaged(seeds: Path, images: list[Path], tmp_path: Path) -> None:
    for run in runs_to_average(seeds):
        shutil.copytree(run.path, tmp_path / run.path.name)
    tensors, card = read_checkpoint(RunFolder(tmp_path / "seed-1").best)
    save_weights(RunFolder(tmp_path / "seed-1").best, tensors, dataclasses.replace(card, recipe="other"))
    with pytest.raises(
        ConfigError, match=r"seed-1 is of the recipe other \(rest, melanoma\), and .*; only runs of one"
    ):
        predict_images(tmp_path, images)


def test_maps_of_the_mean_are_the_mean_of_the_maps(seeds: Path, images: list[Path]) -> None:
    (mean,) = predict_images(seeds, images[:1])
    each = [next(iter(predict_images(run.path, images[:1]))) for run in runs_to_average(seeds)]
    for name, one in mean.attention.items():
        np.testing.assert_allclose(one, np.mean([run.attention[name] for run in each], axis=0), atol=1e-6)
