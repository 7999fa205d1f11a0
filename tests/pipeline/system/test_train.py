"""A fitted system's run folder is one for every command that takes a run."""

import dataclasses
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import load_file

from attnmel.config.load import changes
from attnmel.config.system import SystemRecipe
from attnmel.errors import CheckpointError, ConfigError, LabelError
from attnmel.evaluation.statistics.bootstrap import ResamplingConfig
from attnmel.files.folders import RunFolder
from attnmel.models.weights.card import FITTED
from attnmel.pipeline.evaluate.compare import compare_runs
from attnmel.pipeline.evaluate.evaluate import evaluate_run
from attnmel.pipeline.predict.predict import predict_images
from attnmel.pipeline.report.report import report_runs
from attnmel.pipeline.run.images.dataset import Prepared
from attnmel.pipeline.run.images.seen_images import known_images, read_images, write_images
from attnmel.pipeline.run.provenance import read_provenance, read_recipe
from attnmel.pipeline.run.run import Run
from attnmel.pipeline.system.train import train_system
from attnmel.pipeline.train.train import run_folder

if TYPE_CHECKING:
    from tests.conftest import Phantoms


def test_a_run_folder_holds_the_recipe_the_images_and_the_system(fitted: RunFolder, tiny_system: SystemRecipe) -> None:
    assert read_recipe(fitted) == tiny_system
    assert changes(tiny_system) == ()
    assert Run(fitted).checkpoint[1].network == FITTED
    learnt = Run(fitted).learnt_images
    assert {one.split for one in learnt} == {"train", "validation"}
    provenance = read_provenance(fitted)
    assert provenance["start"].count("demo, epoch") == 2
    assert provenance["data"]["splits"]["train"]["images"] == 24
    assert set(Run(fitted).results) == {"validation", "test"}


def test_a_file_is_predicted_as_its_image_was_evaluated(fitted: RunFolder, phantoms: "Phantoms") -> None:
    run = Run(fitted, phantoms.home)
    evaluated = run.predictions("test")
    files = {one.image_id: one.image for one in run.dataset.lesions}
    predicted = predict_images(fitted.path, [files[one] for one in evaluated.image_ids])
    found = np.array([one.probabilities for one in predicted])
    np.testing.assert_allclose(found, evaluated.probabilities, atol=1e-6)


def test_evaluating_again_gives_the_same_predictions(fitted: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    copy = RunFolder(Path(shutil.copytree(fitted.path, tmp_path / "run")))
    before = Run(copy, phantoms.home).predictions("test").probabilities
    results = evaluate_run(Run(copy, phantoms.home), resamples=20)
    np.testing.assert_array_equal(Run(copy, phantoms.home).predictions("test").probabilities, before)
    assert results.overlap == {}
    assert results.epoch == 0
    assert "epoch" not in results.sentence


def test_a_system_is_compared_and_reported_with_a_network(
    fitted: RunFolder, trained: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    runs = [Run(fitted, phantoms.home), Run(trained, phantoms.home)]
    comparison = compare_runs(runs, resampling=ResamplingConfig(resamples=50)).comparison
    assert comparison.images == 12
    assert {one.first for one in comparison.differences} | {one.second for one in comparison.differences} == {
        "tiny/system",
        "demo",
    }
    page = report_runs(runs, out=tmp_path / "report.html", resampling=ResamplingConfig(resamples=50)).read_text()
    assert "a tiny system" in page
    assert "tiny/system, seed 0" in page


def test_a_finished_system_is_left_as_it_is(
    fitted: RunFolder, tiny_system: SystemRecipe, phantoms: "Phantoms", tmp_path: Path
) -> None:
    copy = RunFolder(Path(shutil.copytree(fitted.path, tmp_path / "run")))
    with pytest.raises(ConfigError, match="already holds a run; continue it with --resume"):
        train_system(tiny_system, copy, home=phantoms.home)
    before = copy.system.read_bytes()
    train_system(tiny_system, copy, home=phantoms.home, resume=True)
    assert copy.system.read_bytes() == before
    other = tiny_system.model_copy(update={"contexts": (0.5,)})
    with pytest.raises(ConfigError, match=r"was begun by another recipe: contexts was \(1.0,\), is \(0.5,\)"):
        train_system(other, copy, home=phantoms.home, resume=True)


def test_a_prior_of_ages_that_nobody_knows_is_refused_before_the_fit(
    tiny_system: SystemRecipe, phantoms: "Phantoms", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tiny_system.model_copy(update={"test": tiny_system.test.model_copy(update={"prior": "age-sex"})})
    monkeypatch.setattr(Prepared, "attributes", lambda prepared, rows: {})
    with pytest.raises(
        LabelError, match=r"images of each class whose age and sex are known, .* none of rest, melanoma"
    ):
        train_system(recipe, RunFolder(tmp_path / "run"), home=phantoms.home)
    assert not RunFolder(tmp_path / "run").recipe.exists()


def test_a_stopped_fit_goes_on_to_the_same_system(
    fitted: RunFolder, tiny_system: SystemRecipe, phantoms: "Phantoms", tmp_path: Path
) -> None:
    copy = RunFolder(Path(shutil.copytree(fitted.path, tmp_path / "run")))
    copy.best.unlink()
    train_system(tiny_system, copy, home=phantoms.home, resume=True)
    assert copy.system.read_bytes() == fitted.system.read_bytes()
    before, after = load_file(fitted.best), load_file(copy.best)
    assert before.keys() == after.keys()
    for name, array in before.items():
        np.testing.assert_array_equal(after[name], array, err_msg=name)


def test_a_system_of_other_classes_in_the_folder_is_refused(fitted: RunFolder, tmp_path: Path) -> None:
    copy = RunFolder(Path(shutil.copytree(fitted.path, tmp_path / "run")))
    text = copy.recipe.read_text().replace('"rest",', '"nevus",')
    copy.recipe.write_text(text)
    with pytest.raises(
        CheckpointError, match="is not of this run's recipe: classes rest, melanoma, not nevus, melanoma"
    ):
        _ = Run(copy).checkpoint


def test_a_network_in_the_folder_is_refused(fitted: RunFolder, trained: RunFolder, tmp_path: Path) -> None:
    copy = RunFolder(Path(shutil.copytree(fitted.path, tmp_path / "run")))
    shutil.copy(trained.best, copy.best)
    with pytest.raises(CheckpointError, match="network attnmel-cnn, not features-svm"):
        _ = Run(copy).checkpoint


def test_folders_of_systems_are_named_as_those_of_networks(tiny_system: SystemRecipe, fitted: RunFolder) -> None:
    assert run_folder(tiny_system).path == Path("runs/tiny/system/seed-0")
    assert run_folder(tiny_system, given=fitted) == fitted


def test_what_the_network_of_a_feature_learnt_from_is_known_to_the_system(
    fitted: RunFolder, trained: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    """A network of another split may have been trained on the system's test images."""
    assert read_images(fitted.start) == read_images(trained) != ()
    run = Run(RunFolder(Path(shutil.copytree(fitted.path, tmp_path / "seed-0"))), phantoms.home)
    test = [lesion for lesion in run.dataset.lesions if lesion.split == "test"]
    seen = [dataclasses.replace(one, split="train") for one in known_images(test[:3], phantoms.home)]
    write_images(run.folder.start, seen, "x")
    results = evaluate_run(run, split="test", resamples=20)
    assert "3 of the images are known from training; see leakage.csv, which --exclude takes" in results.judgement.notes
    assert {one.image_id for one in seen} <= {one.image_id for one in Run(run.folder, phantoms.home).learnt_images}
