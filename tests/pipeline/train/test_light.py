"""A run on the light trunk: trained, judged and explained as one on VGG-16; normalised as its start weights were."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from tests.factories import Recorder

from attnmel.config.load import load_recipe, network_recipe
from attnmel.config.recipe import Recipe
from attnmel.errors import CheckpointError
from attnmel.files.folders import RunFolder
from attnmel.models.trunks.registry import TRUNKS
from attnmel.models.weights.checkpoints import load_checkpoint
from attnmel.models.weights.pretrained_input import INPUT
from attnmel.models.weights.safetensors_io import save_state
from attnmel.pipeline.evaluate.evaluate import evaluate_run
from attnmel.pipeline.explain.images import explain_images
from attnmel.pipeline.run.images.dataset import prepare
from attnmel.pipeline.run.images.normalisation import with_statistics
from attnmel.pipeline.run.run import Run
from attnmel.pipeline.run.run_location import read_recipe
from attnmel.pipeline.train.train import train_run

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from tests.conftest import Phantoms

WIDTH = 0.1
LIGHT = (
    "data.size=64",
    "data.normalise_by=weights",
    f"model.width={WIDTH}",
    "model.trunk=mobilenet_v2",
    "training.epochs=1",
    "training.batch=8",
    "training.precision=float32",
    "training.device=cpu",
)
MEAN, STD = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Published weights of a narrow light trunk, trained with TensorFlow's padding."""
    path = tmp_path_factory.mktemp("weights") / "light.safetensors"
    told = {"mean": MEAN, "std": STD, "padding": "tensorflow"}
    torch.manual_seed(0)
    save_state(path, TRUNKS["mobilenet_v2"](WIDTH).state_dict(), {INPUT: json.dumps(told), "licence": "Apache-2.0"})
    return path


@pytest.fixture(scope="module")
def light(weights: Path, phantoms: "Phantoms", fabric: "Fabric", tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    run = RunFolder(tmp_path_factory.mktemp("runs") / "seed-0")
    recipe = load_recipe("demo", [*LIGHT, "model.padding=tensorflow", f"model.weights={weights}"])
    train_run(recipe, run, home=phantoms.home, fabric=fabric)
    return run


def test_the_run_keeps_padding_and_the_scale_of_its_start_weights(light: RunFolder, weights: Path) -> None:
    network, card = load_checkpoint(light.best)
    assert (card.trunk, card.padding, card.mean, card.std) == ("mobilenet_v2", "tensorflow", MEAN, STD)
    assert network.get_submodule("trunk.features.0.0").padding == (0, 0)  # pyright: ignore - a convolution's
    statistics = read_recipe(light).data.statistics
    assert statistics is not None
    assert statistics.of == f"weights {weights}"
    assert statistics.source == "the input scale that the start weights were trained with"
    provenance = json.loads(light.provenance.read_text())
    assert provenance["start"].startswith("published weights light.safetensors (SHA-256 ")
    assert provenance["licence"] == "synthetic, Apache-2.0; Apache-2.0 (start weights)"


def test_the_run_is_judged_and_explained(light: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    judged = evaluate_run(Run(light, phantoms.home), resamples=20)
    assert judged.judgement.images == 12
    assert set(judged.overlap) == {"pool3", "pool4"}
    image = next(one.image for one in prepare(read_recipe(light).data, home=phantoms.home).lesions)
    written = list(explain_images(light.path, [image], out=tmp_path))
    with np.load(written[-1]) as maps:
        assert (maps["pool3"].shape, maps["pool4"].shape) == ((8, 8), (4, 4))


def test_a_run_from_installed_weights_is_trained_judged_and_explained(
    phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    changes = ["model.trunk=efficientnet_lite0", "model.weights=imagenet", "model.width=1.0"]
    notes = Recorder()
    train_run(load_recipe("demo", [*LIGHT, *changes]), run, home=phantoms.home, fabric=fabric, progress=notes)
    assert not [note for note in notes.notes if "padding" in note]
    _, card = load_checkpoint(run.best)
    assert (card.trunk, card.padding) == ("efficientnet_lite0", "tensorflow")
    assert (card.mean, card.std) == ((127 / 255,) * 3, (128 / 255,) * 3)
    provenance = json.loads(run.provenance.read_text())
    assert provenance["start"].startswith("published weights efficientnet-lite0-57934424.pth; ")
    assert provenance["licence"] == "synthetic, Apache-2.0; Apache-2.0 (start weights)"
    assert evaluate_run(Run(run, phantoms.home), resamples=20).judgement.images == 12
    image = next(one.image for one in prepare(read_recipe(run).data, home=phantoms.home).lesions)
    with np.load(list(explain_images(run.path, [image], out=tmp_path / "maps"))[-1]) as maps:
        assert (maps["pool3"].shape, maps["pool4"].shape) == ((8, 8), (4, 4))


def test_a_run_that_goes_on_needs_neither_weights_nor_scale_again(
    light: RunFolder, weights: Path, phantoms: "Phantoms", fabric: "Fabric"
) -> None:
    gone = weights.rename(weights.with_suffix(".gone"))
    try:
        train_run(network_recipe(read_recipe(light)), light, home=phantoms.home, fabric=fabric, resume=True)
    finally:
        gone.rename(weights)


def normalised(phantoms: "Phantoms", *changes: str, recipe: str = "demo") -> Recipe:
    loaded = load_recipe(recipe, [*LIGHT, "data.dataset=phantoms", *changes])
    return with_statistics(loaded, prepare(loaded.data, home=phantoms.home))


def scale_of(recipe: Recipe) -> tuple[tuple[float, ...], tuple[float, ...]]:
    assert recipe.data.statistics is not None
    return recipe.data.statistics.mean, recipe.data.statistics.std


def test_each_kind_of_start_weights_brings_its_own_scale(
    weights: Path, trained: RunFolder, phantoms: "Phantoms"
) -> None:
    assert scale_of(normalised(phantoms, f"model.weights={weights}")) == (MEAN, STD)
    published = normalised(phantoms, "model.weights=imagenet", "model.width=1.0")
    assert scale_of(published) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    _, card = load_checkpoint(trained.best)
    assert scale_of(normalised(phantoms, f"model.weights={trained.path}")) == (card.mean, card.std)
    with pytest.raises(CheckpointError, match="a random start was trained with no scale"):
        normalised(phantoms, "model.weights=random")


def test_the_weights_scale_is_taken_before_the_data_sets_published_one(weights: Path, phantoms: "Phantoms") -> None:
    loaded = load_recipe("isic2017/attnmel-lesion", [*LIGHT, f"model.weights={weights}"])
    prepared = prepare(load_recipe("demo", LIGHT).data, home=phantoms.home)
    assert scale_of(loaded) != (MEAN, STD)
    resolved = with_statistics(loaded, prepared)
    assert scale_of(resolved) == (MEAN, STD)
    assert with_statistics(resolved, prepared) is resolved
    # Other weights have another scale, and a data set its own.
    other = load_recipe("isic2017/attnmel-lesion", [*LIGHT, "model.weights=imagenet", "model.width=1.0"])
    moved = other.model_copy(update={"data": resolved.data})
    assert scale_of(with_statistics(moved, prepared)) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def test_weights_of_the_other_padding_are_used_with_a_note(
    weights: Path, phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path
) -> None:
    notes = Recorder()
    recipe = load_recipe("demo", [*LIGHT, f"model.weights={weights}"])
    train_run(recipe, RunFolder(tmp_path / "run"), home=phantoms.home, fabric=fabric, progress=notes)
    said = [note for note in notes.notes if "padding" in note]
    assert len(said) == 1
    assert "was trained with tensorflow padding, but model.padding = 'symmetric'" in said[0]
