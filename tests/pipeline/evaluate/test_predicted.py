"""Transforms of the evaluated images: a result of its own, the mean of what `predict` averages."""

import dataclasses
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from attnmel.compute import runtime
from attnmel.config.load import load_recipe
from attnmel.files.folders import RunFolder
from attnmel.models.trunks import registry
from attnmel.models.weights.age_sex_prior import fit_age_sex_prior
from attnmel.models.weights.checkpoints import checkpoint_card, load_checkpoint, save_weights
from attnmel.pipeline.evaluate.evaluate import evaluate_run
from attnmel.pipeline.predict.predict import predict_images
from attnmel.pipeline.run.images.age_and_sex import score_prior
from attnmel.pipeline.run.results.results import read_measures
from attnmel.pipeline.run.run import Run
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.conftest import Phantoms

RESAMPLES = 20


def copied(run: RunFolder, tmp_path: Path) -> RunFolder:
    return RunFolder(Path(shutil.copytree(run.path, tmp_path / "seed-0")))


def test_evaluate_averages_as_predict_does_under_a_name_of_its_own(
    calibrated: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    run = copied(calibrated, tmp_path)
    plain, card = run.predictions("test").read_bytes(), checkpoint_card(run.path)
    results = evaluate_run(Run(run, phantoms.home), transforms="dihedral+scales", resamples=RESAMPLES)
    assert results.name == "test-tta-dihedral-scales"
    assert (
        "probabilities are means over 16 transforms of each image (dihedral+scales); temperature and thresholds were "
        "chosen without transforms"
    ) in results.judgement.notes
    assert run.predictions("test").read_bytes() == plain
    assert checkpoint_card(run.path) == card
    assert {"test", results.name} <= set(read_measures(run))
    stored = Predictions.read(run.predictions(results.name))
    images = next((phantoms.home / "data").rglob("*Test_v2_Data"))
    by_id = {Path(one.image).stem: one for one in predict_images(run.path, [images], transforms="dihedral+scales")}
    for image_id, shares in zip(stored.image_ids, stored.probabilities, strict=True):
        np.testing.assert_allclose(shares, by_id[image_id].probabilities, atol=1e-5)


@pytest.mark.parametrize("heavy", [("vgg16_bn", "vgg16"), ()])
def test_memory_is_kept_in_the_process_unless_the_trunk_is_heavy(
    heavy: tuple[str, ...],
    calibrated: RunFolder,
    phantoms: "Phantoms",
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept: list[bool] = []
    monkeypatch.setattr(runtime, "keep_memory", lambda: kept.append(True))
    monkeypatch.setattr(registry, "HEAVY_TRUNKS", heavy)
    monkeypatch.setattr(runtime, "choose_device", lambda: torch.device("cpu"))
    evaluate_run(Run(copied(calibrated, tmp_path), phantoms.home), resamples=RESAMPLES)
    assert bool(kept) == (not heavy)


def test_validation_with_other_transforms_chooses_no_temperature(
    calibrated: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    run = copied(calibrated, tmp_path)
    card = checkpoint_card(run.path)
    results = evaluate_run(Run(run, phantoms.home), split="validation", transforms="dihedral", resamples=RESAMPLES)
    assert results.name == "validation-tta-dihedral"
    assert checkpoint_card(run.path) == card


def test_a_fitted_system_averages_transforms_too(fitted: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    run = copied(fitted, tmp_path)
    evaluate_run(Run(run, phantoms.home), transforms="scales", resamples=RESAMPLES)
    plain, found = (
        Predictions.read(run.predictions(name), uncalibrated=True).probabilities for name in ("test", "test-tta-scales")
    )
    assert np.abs(found - plain).max() > 1e-3
    assert found.sum(axis=1) == pytest.approx(1)


def test_a_recipe_with_transforms_chooses_temperature_and_thresholds_with_them(
    trained: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    run = copied(trained, tmp_path)
    recipe = run.recipe.read_text()
    assert load_recipe(str(run.recipe)).test.transforms == "none"
    run.recipe.write_text(recipe.replace('transforms = "none"', 'transforms = "scales"'))
    network, card = load_checkpoint(run.path)
    save_weights(run.best, network.state_dict(), dataclasses.replace(card, transforms="scales"))
    results = evaluate_run(Run(run, phantoms.home), split="validation", resamples=RESAMPLES)
    assert results.name == "validation"
    assert "probabilities are means over 2 transforms of each image (scales)" in results.judgement.notes
    other = evaluate_run(Run(run, phantoms.home), split="validation", transforms="none", resamples=RESAMPLES)
    assert other.name == "validation-tta-none"
    assert (
        "probabilities are of each image as it is; temperature and thresholds were chosen with scales"
        in other.judgement.notes
    )


def test_the_prior_of_age_and_sex_is_fitted_on_training_images_alone(
    calibrated: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    run = copied(calibrated, tmp_path)
    opened = Run(run, phantoms.home)
    prepared, card = opened.dataset, checkpoint_card(run.path)
    rows = prepared.rows("train")
    people = prepared.attributes(rows)
    prior = score_prior("age-sex", prepared, card.seed)
    assert prior == fit_age_sex_prior(prepared.labels(rows).tolist(), prepared.classes, people)
    results = evaluate_run(opened, prior="age-sex", resamples=RESAMPLES)
    assert results.name == "test-prior-age-sex"
    assert "temperature and thresholds were chosen without age and sex" in results.judgement.notes
    assert checkpoint_card(run.path) == card
    before, after = (
        Predictions.read(run.predictions(name), uncalibrated=True) for name in ("test", "test-prior-age-sex")
    )
    assert prior is not None
    expected = prior.adjusted(before.probabilities, before.classes, before.attributes["age"], before.attributes["sex"])
    np.testing.assert_allclose(after.probabilities, expected)
    assert np.abs(after.probabilities - before.probabilities).max() > 1e-3
