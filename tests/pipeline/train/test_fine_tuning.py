"""Three classes: both official tasks are judged; a run may start from one of two classes."""

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.metrics import roc_auc_score

from attnmel.config.load import load_recipe
from attnmel.config.recipe import Recipe
from attnmel.files.folders import RunFolder
from attnmel.pipeline.experiment import run_recipe
from attnmel.pipeline.run.images.seen_images import read_images
from attnmel.pipeline.run.results.results import read_measures
from attnmel.pipeline.train.train import train_run
from attnmel.records import Predictions

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from tests.conftest import Phantoms

TASKS = ("melanoma", "seborrheic_keratosis")
TINY = (
    "data.dataset=phantoms",
    "data.size=32",
    "data.passes=1",
    "model.width=0.05",
    "training.epochs=1",
    "training.batch=8",
    "training.precision=float32",
    "training.device=cpu",
)


@pytest.fixture(scope="module")
def three(phantoms: "Phantoms", fabric: "Fabric", tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    run = RunFolder(tmp_path_factory.mktemp("three") / "run")
    recipe = load_recipe("isic2017/attnmel-lesion-three", [*TINY, "model.weights=random"])
    run_recipe(recipe, run, home=phantoms.home, fabric=fabric, resamples=20)
    return run


def test_three_classes_are_judged_by_both_official_tasks(three: RunFolder) -> None:
    predictions = Predictions.read(three.predictions("test"))
    assert predictions.classes == ("nevus", *TASKS)
    np.testing.assert_allclose(predictions.probabilities.sum(1), 1, atol=1e-6)
    judgement = read_measures(three)["test"].judgement
    areas = [roc_auc_score(predictions.is_class(task), predictions.probability(task)) for task in TASKS]
    assert [judgement.row(task, "auc").value for task in TASKS] == pytest.approx(areas, abs=1e-12)
    assert judgement.row("mean", "auc").value == pytest.approx(sum(areas) / 2, abs=1e-12)
    for task in TASKS:
        assert {row.measure for row in judgement.rows if row.task == task} >= {"ap", "auc", "sensitivity"}


def test_the_submission_of_three_classes_holds_both_columns(three: RunFolder) -> None:
    predictions = Predictions.read(three.predictions("test"))
    with three.submission("test").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["image_id"] for row in rows] == list(predictions.image_ids)
    for task in TASKS:
        found = [float(row[task]) for row in rows]
        assert found == predictions.probability(task).tolist()
        assert min(found) > 0, "a placeholder stands in the column"
    assert "placeholder" not in read_measures(three)["test"].submission


def start_of(run: RunFolder, recipe: Recipe, phantoms: "Phantoms", fabric: "Fabric") -> dict[str, torch.Tensor]:
    """The trained weights of a run whose rate is too small to change any of them."""
    settings = recipe.model_dump()
    settings["training"]["learning_rate"] = 1e-30
    train_run(Recipe.model_validate(settings), run, home=phantoms.home, fabric=fabric)
    running = ("running_mean", "running_var", "num_batches_tracked")
    return {name: tensor for name, tensor in load_file(run.last).items() if not name.endswith(running)}


def test_a_run_of_three_classes_starts_from_one_of_two(
    trained: RunFolder, phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path
) -> None:
    recipe = load_recipe("isic2017/attnmel-lesion-three", [*TINY, f"model.weights={trained.path}"])
    run = RunFolder(tmp_path / "run")
    found, source = start_of(run, recipe, phantoms, fabric), load_file(trained.best)
    kept = {name for name in found if not name.startswith("head.")}
    assert {name.split(".")[0] for name in kept} == {"trunk", "gates"}
    assert all(torch.equal(found[name], source[name]) for name in kept)
    assert found["head.weight"].shape == (3, source["head.weight"].shape[1])
    assert not torch.isin(found["head.weight"], source["head.weight"]).any()
    start = json.loads(run.provenance.read_text())["start"]
    assert start.startswith(f"weights of {trained.path} (demo, epoch ")
    assert start.endswith("with a new head for nevus, melanoma, seborrheic_keratosis")


def test_a_run_of_the_same_classes_keeps_the_head(
    trained: RunFolder, phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path
) -> None:
    recipe = load_recipe("demo", [*TINY, f"model.weights={trained.path}"])
    run = RunFolder(tmp_path / "run")
    found, source = start_of(run, recipe, phantoms, fabric), load_file(trained.best)
    assert all(torch.equal(tensor, source[name]) for name, tensor in found.items())
    assert json.loads(run.provenance.read_text())["start"].endswith("with its head")
    assert read_images(run.start) == read_images(trained) != (), "what its start learnt from is known to it"
