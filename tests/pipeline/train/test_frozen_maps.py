"""A run on stored maps has the losses of one on images, stops and goes on, and is judged as its checkpoint says."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.conftest import TINY
from tests.factories import Recorder
from tests.pipeline.train.test_train import assert_same_weights
from torch import nn

from attnmel.config.load import load_recipe
from attnmel.config.recipe import Recipe
from attnmel.errors import CheckpointError, ConfigError
from attnmel.files.folders import RunFolder
from attnmel.pipeline.evaluate.evaluate import FROM_MAPS, evaluate_run
from attnmel.pipeline.experiment import run_recipe
from attnmel.pipeline.run.images.dataset import Prepared, prepare, training_batches
from attnmel.pipeline.run.images.normalisation import with_statistics
from attnmel.pipeline.run.run import Run
from attnmel.pipeline.train.frozen_maps import open_run_maps
from attnmel.pipeline.train.setup import objective, put_start_weights, schedule, set_up, start_network
from attnmel.pipeline.train.train import train_run
from attnmel.progress import SILENT
from attnmel.records import Predictions
from attnmel.training.loop import EpochLoss, train_epochs

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from tests.conftest import Phantoms

CPU = torch.device("cpu")
ROUNDING = 2.0**-11
"""Relative error of a half float."""


def frozen(*settings: str, pool: str = "pool4") -> Recipe:
    return load_recipe("demo", (*TINY, "training.epochs=2", f"training.freeze={pool}", *settings))


def flat(network: nn.Module) -> torch.Tensor:
    return torch.cat([weights.detach().flatten() for weights in network.parameters()])


def trained(
    recipe: Recipe, prepared: Prepared, fabric: "Fabric", home: Path, *, stored: bool
) -> tuple[list[EpochLoss], torch.Tensor]:
    """Losses of each epoch, and what the training added to the weights, end to end."""
    network, optimizer = set_up(recipe, start_network(recipe), fabric, SILENT)
    before = flat(network)
    maps = open_run_maps(recipe, prepared, network.module, home=home, device=CPU)
    assert maps is not None
    batches = training_batches(recipe, prepared, CPU, views=maps.views, maps=maps.training if stored else None)
    epochs = train_epochs(
        network,
        optimizer,
        batches,
        fabric=fabric,
        objective=objective(recipe),
        schedule=schedule(recipe),
        seed=recipe.training.seed,
        image_ids=prepared.cache.image_ids,
        accumulate=recipe.training.accumulate,
    )
    return list(epochs), flat(network) - before


EVERY_POOL = ("pool1", "pool2", "pool3", "pool4", "pool5")
LIGHT = ("model.trunk=mobilenet_v2", "data.size=64")
MEANS = ("model.network=mel-cnn", "loss.prior=none", "training.accumulate=2")
SMALL = {("pool3", ()), ("pool5", MEANS), ("pool4", ("training.crops=2", "training.views=3")), ("pool4", LIGHT)}
"""One pool of each kind; the others are slow tests."""
CASES = [
    pytest.param(pool, settings, apart, marks=() if (pool, settings) in SMALL else pytest.mark.slow)
    for pool, settings, apart in (
        *((pool, (), 0.03) for pool in EVERY_POOL),
        *((pool, ("training.crops=2", "training.views=3"), 0.03) for pool in EVERY_POOL),
        *((pool, MEANS, 0.03) for pool in EVERY_POOL),
        # Its many batch-norms, over few values at this size, enlarge any rounding: the more of them, the more.
        *((pool, LIGHT, 0.2) for pool in EVERY_POOL[2:]),
    )
]


@pytest.mark.parametrize(("pool", "settings", "apart"), CASES)
def test_losses_on_stored_maps_are_those_on_images_to_the_rounding_of_half_floats(
    pool: str, settings: tuple[str, ...], apart: float, phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path
) -> None:
    # So slow that a rounding in one step is not enlarged by those that follow.
    recipe = frozen("training.learning_rate=1e-4", *settings, pool=pool)
    prepared = prepare(recipe.data, home=phantoms.home)
    recipe = with_statistics(recipe, prepared)
    on_images, by_images = trained(recipe, prepared, fabric, tmp_path, stored=False)
    on_maps, by_maps = trained(recipe, prepared, fabric, tmp_path, stored=True)
    for images, maps in zip(on_images, on_maps, strict=True):
        assert np.allclose(maps.loss, images.loss, rtol=4 * ROUNDING, atol=0, equal_nan=True)
    assert (by_maps - by_images).norm() < apart * by_images.norm()


@pytest.fixture(scope="module")
def on_maps(phantoms: "Phantoms", fabric: "Fabric", tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    run = RunFolder(tmp_path_factory.mktemp("frozen") / "run")
    train_run(frozen(), run, home=phantoms.home, fabric=fabric)
    return run


def test_a_stopped_run_on_stored_maps_goes_on_to_the_same_bits(
    on_maps: RunFolder, phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path
) -> None:
    recipe, run = frozen(), RunFolder(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        train_run(recipe, run, home=phantoms.home, fabric=fabric, progress=Recorder(stop_after=9))
    train_run(recipe, run, home=phantoms.home, fabric=fabric, resume=True)
    assert_same_weights(run, on_maps)


def test_frozen_layers_stay_as_they_were_with_maps_and_without(
    on_maps: RunFolder, phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path
) -> None:
    on_images = RunFolder(tmp_path / "images")
    train_run(frozen("training.cache_maps=false"), on_images, home=phantoms.home, fabric=fabric)
    start = start_network(frozen()).state_dict()
    for run in (on_maps, on_images):
        end = load_file(run.last)
        differing = {key for key, value in start.items() if not torch.equal(value, end[key])}
        places = {int(key.split(".")[2]) for key in differing if key.startswith("trunk.")}
        assert places
        assert min(places) > 33  # VGG-16's fourth max-pooling with batch-norm
        assert "head.weight" in differing


def test_a_run_is_judged_as_its_checkpoint_predicts(phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run_recipe(frozen(pool="pool5"), run, home=phantoms.home, fabric=fabric, resamples=20)
    from_maps = Predictions.read(run.predictions("test"))
    assert FROM_MAPS in json.loads(run.measures.read_text())["test"]["judgement"]["notes"]
    judged = evaluate_run(Run(run, phantoms.home), split="test", resamples=20)
    assert FROM_MAPS not in judged.judgement.notes
    from_images = Predictions.read(run.predictions("test"))
    assert from_images.image_ids == from_maps.image_ids
    assert np.allclose(from_images.probabilities, from_maps.probabilities, rtol=0, atol=ROUNDING)


def keys(recipe: Recipe, phantoms: "Phantoms", home: Path) -> set[str]:
    prepared = prepare(recipe.data, home=phantoms.home)
    recipe = with_statistics(recipe, prepared)
    maps = open_run_maps(recipe, prepared, start_network(recipe), home=home, device=CPU)
    assert maps is not None
    return {maps.training.key, *(one.key for one in maps.evaluated.values())}


def test_runs_that_differ_above_the_frozen_layers_share_their_maps(phantoms: "Phantoms", tmp_path: Path) -> None:
    first = keys(frozen(), phantoms, tmp_path)
    same = keys(
        frozen("training.epochs=7", "data.ablation=shuffled-labels", "loss.prior=none", "data.repeats={}"),
        phantoms,
        tmp_path,
    )
    assert first == same
    assert len(first) == 3


@pytest.mark.parametrize(
    "change",
    [
        *("training.seed=1", "data.size=64", "data.crop=0.7", "training.precision=bf16", "data.ablation=lesion-only"),
        *("training.views=3", "training.crops=1"),
    ],
)
def test_other_weights_images_or_parameters_get_other_maps(change: str, phantoms: "Phantoms", tmp_path: Path) -> None:
    before, now = keys(frozen(), phantoms, tmp_path), keys(frozen(change), phantoms, tmp_path)
    # In another precision or other views only the training's maps are others.
    assert len(before & now) == (2 if change.split(".")[1].startswith(("precision", "views", "crops")) else 0)


def test_another_normalisation_or_padding_gets_other_maps(phantoms: "Phantoms", tmp_path: Path) -> None:
    def key(recipe: Recipe) -> str:
        maps = open_run_maps(recipe, prepared, start_network(recipe), home=tmp_path, device=CPU)
        assert maps is not None
        return maps.training.key

    recipe = frozen(*LIGHT)
    prepared = prepare(recipe.data, home=phantoms.home)
    recipe = with_statistics(recipe, prepared)
    assert recipe.data.statistics is not None
    darker = recipe.data.statistics.model_copy(update={"mean": (0.1, 0.2, 0.3)})
    padded = recipe.model.model_copy(update={"padding": "tensorflow"})
    others = ({"data": recipe.data.model_copy(update={"statistics": darker})}, {"model": padded})
    found = [key(recipe.model_copy(update=changed)) for changed in ({}, *others)]
    assert len(set(found)) == 3


def test_a_changed_file_of_start_weights_gets_new_maps(phantoms: "Phantoms", tmp_path: Path) -> None:
    weights = tmp_path / "start.safetensors"
    recipe = frozen(f"model.weights={weights}")
    prepared = prepare(recipe.data, home=phantoms.home)
    recipe = with_statistics(recipe, prepared)
    found = []
    for seed in (0, 1, 0):
        other = start_network(frozen(f"training.seed={seed}")).state_dict()
        save_file({name[6:]: tensor for name, tensor in other.items() if name.startswith("trunk.")}, weights)
        network = start_network(recipe)
        put_start_weights(network, recipe, prepared, CPU, tmp_path, SILENT)
        maps = open_run_maps(recipe, prepared, network, home=tmp_path, device=CPU)
        assert maps is not None
        found.append(maps.training)
    before, changed, again = found
    assert before.key == again.key != changed.key
    first = np.zeros(1, np.int64)
    assert not np.array_equal(before.gather(first, first)[4], changed.gather(first, first)[4])


def test_maps_beyond_half_floats_are_refused(phantoms: "Phantoms", tmp_path: Path) -> None:
    recipe = frozen()
    prepared = prepare(recipe.data, home=phantoms.home)
    recipe = with_statistics(recipe, prepared)
    network = start_network(recipe)
    for weights in network.parameters():
        weights.data *= 1000
    with pytest.raises(CheckpointError) as error:
        open_run_maps(recipe, prepared, network, home=tmp_path, device=CPU)
    assert "and half floats end at 65504; set training.cache_maps=false, or start from weights of" in str(error.value)


def test_a_run_goes_on_with_other_frozen_layers_only_by_another_recipe(
    phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    train_run(frozen(), run, home=phantoms.home, fabric=fabric)
    with pytest.raises(ConfigError, match=r"begun by another recipe: training.freeze was 'pool4', is 'pool3'"):
        train_run(frozen(pool="pool3"), run, home=phantoms.home, fabric=fabric, resume=True)
