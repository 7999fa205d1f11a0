"""A run that starts from a VGG-16 without batch-norm: rescaled, or given batch-norms, by its training images."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from tests.conftest import TINY
from tests.factories import Recorder
from torch import Tensor, nn

from attnmel.config.load import load_recipe, network_recipe
from attnmel.config.recipe import Recipe
from attnmel.errors import ConfigError, LabelError, TrainingError
from attnmel.files.folders import RunFolder
from attnmel.models.classifiers import build_network
from attnmel.models.trunks.registry import TRUNKS
from attnmel.models.weights.checkpoints import load_checkpoint
from attnmel.models.weights.safetensors_io import save_state
from attnmel.models.weights.start_weights import Start
from attnmel.pipeline.run.images.dataset import prepare, split_batches
from attnmel.pipeline.run.images.normalisation import with_statistics
from attnmel.pipeline.run.provenance import read_provenance
from attnmel.pipeline.run.run_location import read_recipe
from attnmel.pipeline.run.training.history import read_history
from attnmel.pipeline.train.setup import put_start_weights, start_network
from attnmel.pipeline.train.train import train_run
from attnmel.pipeline.train.vgg_rescale import remedy

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from tests.conftest import Phantoms

WIDTH = 0.05
RATE = "training.learning_rate=0.01"
LAST = ("features.14", "features.21", "features.28")
"""The convolutions before pool-3, pool-4 and pool-5."""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VGG-16 without batch-norm with activations of about 100 in most layers, as Oxford's."""
    torch.manual_seed(0)
    trunk = TRUNKS["vgg16"](WIDTH)
    convolutions = [layer for layer in trunk.modules() if isinstance(layer, nn.Conv2d)]
    for place, layer in enumerate(convolutions):
        layer.weight.data *= 3 if place < 8 else 1
    path = tmp_path_factory.mktemp("weights") / "large.safetensors"
    save_state(path, {**trunk.state_dict(), "classifier.6.weight": torch.rand(1000, 4)}, {"licence": "CC BY 4.0"})
    return path


def recipe_of(start: Path, *changes: str) -> Recipe:
    return load_recipe("demo", [*TINY, f"model.weights={start}", "model.start_images=24", *changes])


def started(recipe: Recipe, phantoms: "Phantoms", notes: Recorder | None = None) -> tuple[nn.Module, Start]:
    """The network that a training of the recipe begins with."""
    prepared = prepare(recipe.data, home=phantoms.home)
    recipe = with_statistics(recipe, prepared)
    network, cpu = start_network(recipe), torch.device("cpu")
    return network, put_start_weights(network, recipe, prepared, cpu, phantoms.home, notes or Recorder())


def images_of(recipe: Recipe, phantoms: "Phantoms") -> Tensor:
    """All 24 training images as the network sees them."""
    prepared = prepare(recipe.data, home=phantoms.home)
    data, rows = with_statistics(recipe, prepared).data, prepared.rows("train")
    (batch,) = split_batches(data, prepared, rows, batch=len(rows), device=torch.device("cpu"))
    return batch.images


def maps_of(network: nn.Module, images: Tensor) -> list[Tensor]:
    with torch.no_grad():
        return list(network.double().eval().get_submodule("trunk")(images.double()))


def activations(network: nn.Module, images: Tensor) -> dict[str, float]:
    """RMS after each ReLU, layer by layer."""
    found: dict[str, float] = {}
    name, values = "", images
    with torch.no_grad():
        for place, layer in network.get_submodule("trunk.features").named_children():
            values = layer(values)
            name = f"features.{place}" if isinstance(layer, nn.Conv2d) else name
            if isinstance(layer, nn.ReLU):
                found[name] = float(values.square().mean().sqrt())
    return found


def test_large_activations_end_the_training_with_the_name_of_the_setting(
    large: Path, phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    with pytest.raises(TrainingError) as told:
        train_run(recipe_of(large, RATE, "model.trunk=vgg16"), run, home=phantoms.home, fabric=fabric)
    assert re.match(r"the (loss|gradient) became (nan|inf) in epoch 1; its batch: ISIC_\d+, ", str(told.value))
    assert str(told.value).endswith(
        "look at these images, or lower training.learning_rate, or train anew with model.rescale = true, which divides "
        "each layer of this VGG-16 without batch-norm by the RMS of its activation."
    )


def test_the_setting_is_not_named_where_it_would_not_help(phantoms: "Phantoms") -> None:
    recipe = load_recipe("demo", TINY)
    random, rescaled = Start("random start"), Start("published weights", rescalable=True)
    wanted = recipe.model_copy(update={"model": recipe.model.model_copy(update={"rescale": True})})
    assert remedy(random, recipe) == remedy(None, recipe) == remedy(rescaled, wanted) == "lower training.learning_rate"
    assert "model.rescale = true" in remedy(rescaled, recipe)


@pytest.mark.parametrize("trunk", ["vgg16", "vgg16_bn"])
def test_a_rescaled_start_is_trained_at_the_same_rate(
    trunk: str, large: Path, phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    recipe = recipe_of(large, RATE, f"model.trunk={trunk}", "model.rescale=true")
    train_run(recipe, run, home=phantoms.home, fabric=fabric)
    losses = [row.loss for row in read_history(run.history)]
    assert len(losses) == 3
    assert max(losses) < 1
    provenance = read_provenance(run)
    assert provenance["licence"] == "synthetic, Apache-2.0; CC BY 4.0 (start weights)"
    assert "; each layer divided by the RMS of its activation (3." in provenance["start"]
    assert provenance["start"].endswith(", as measured on 24 training images (model.start_seed 0)")
    measured = provenance["start measured"]
    assert (measured["images"], measured["seed"], measured["rescaled"]) == (24, 0, True)
    assert measured["batch-norm inserted"] is (trunk == "vgg16_bn")
    assert len(measured["rms of activations"]) == 13
    assert network_recipe(read_recipe(run)).model.rescale is True


def test_batch_norm_inserted_into_large_activations_diverges_and_the_note_says_what_helps(
    large: Path, phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path
) -> None:
    run, notes = RunFolder(tmp_path / "run"), Recorder()
    train_run(recipe_of(large, RATE, "training.epochs=1"), run, home=phantoms.home, fabric=fabric, progress=notes)
    assert read_history(run.history)[0].loss > 100
    (said,) = [note for note in notes.notes if note.startswith("start weights: ")]
    assert said.endswith("so that high learning rates diverge: model.rescale = true divides each layer by its own")


def test_the_start_on_vgg16_is_the_file_over_its_measured_factors(large: Path, phantoms: "Phantoms") -> None:
    plain, _ = started(recipe_of(large, "model.trunk=vgg16"), phantoms)
    recipe = recipe_of(large, "model.trunk=vgg16", "model.rescale=true")
    network, start = started(recipe, phantoms)
    images = images_of(recipe, phantoms)
    expected = activations(plain, images)
    assert start.facts is not None
    assert start.facts["rms of activations"] == pytest.approx(expected, rel=1e-5)
    assert activations(network, images) == pytest.approx(dict.fromkeys(expected, 1.0), rel=1e-4)
    for name, before, after in zip(LAST, maps_of(plain, images), maps_of(network, images), strict=True):
        assert (before / expected[name] - after).abs().max() < 1e-4


def test_the_start_on_vgg16_bn_is_the_same_function_in_evaluation_mode(large: Path, phantoms: "Phantoms") -> None:
    recipe, notes = recipe_of(large), Recorder()
    plain, _ = started(recipe_of(large, "model.trunk=vgg16"), phantoms)
    network, start = started(recipe, phantoms, notes)
    images = images_of(recipe, phantoms)
    for before, after in zip(maps_of(plain, images), maps_of(network, images), strict=True):
        assert before.abs().max() > 100
        assert (before - after).abs().max() / before.abs().max() < 1e-6
    what = (
        "batch-norm inserted after each convolution, which in evaluation mode changes nothing, as measured on 24 "
        "training images (model.start_seed 0)"
    )
    assert start.sentence.endswith(f"; gates and head start at random; {what}")
    assert any(note.startswith(f"start weights: {what}") for note in notes.notes)


def test_a_dense_vgg16_of_1000_classes_is_rescaled_with_its_dense_layers(phantoms: "Phantoms", tmp_path: Path) -> None:
    torch.manual_seed(0)
    published = build_network("vgg16", trunk="vgg16", width=WIDTH, classes=1000).state_dict()
    public = {"trunk.": "", "dense.": "classifier.", "head.": "classifier.6."}
    path = tmp_path / "dense.safetensors"
    save_state(
        path,
        {
            new + name.removeprefix(own): t
            for name, t in published.items()
            for own, new in public.items()
            if name.startswith(own)
        },
        {},
    )
    recipe = recipe_of(path, "model.network=vgg16", "model.rescale=true", "model.trunk=vgg16", "loss.prior=none")
    network, start = started(recipe, phantoms)
    assert "; head start at random; each layer divided" in start.sentence
    assert network.get_parameter("head.weight").shape[0] == 2
    assert start.facts is not None
    assert list(start.facts["rms of activations"])[-2:] == ["dense.0", "dense.3"]


def test_the_images_are_drawn_by_a_seed_of_their_own(large: Path, phantoms: "Phantoms") -> None:
    def sizes(*changes: str) -> dict[str, float]:
        _, start = started(recipe_of(large, "model.start_images=12", *changes), phantoms)
        assert start.facts is not None
        return start.facts["rms of activations"]

    first = sizes()
    assert sizes("training.seed=5") == first
    assert sizes("model.start_seed=1") != first


def test_too_few_training_images_are_told(large: Path, phantoms: "Phantoms") -> None:
    with pytest.raises(LabelError) as told:
        started(recipe_of(large, "model.start_images=25"), phantoms)
    assert str(told.value) == (
        "the start weights are to be measured on model.start_images = 25 training images, but phantoms has 24; "
        "set model.start_images to at most 24"
    )
    with pytest.raises(ConfigError, match=r"model\.start_images = 7: expected at least 8"):
        recipe_of(large, "model.start_images=7")


def test_a_start_that_has_nothing_to_rescale_is_refused(
    large: Path, phantoms: "Phantoms", trained: RunFolder, tmp_path: Path
) -> None:
    normed = tmp_path / "normed.safetensors"
    save_state(normed, TRUNKS["vgg16_bn"](WIDTH).state_dict(), {})
    message = (
        r"model\.rescale = true is for published weights of a VGG-16 without batch-norm, but the start is: {}.*; set "
        r"model\.rescale = false$"
    )
    for source, what in (
        ("random", "random start"),
        (normed, "published weights normed"),
        (trained.path, "weights of "),
    ):
        with pytest.raises(ConfigError, match=message.format(what)):
            started(recipe_of(Path(source), "model.rescale=true"), phantoms)
    with pytest.raises(ConfigError, match=r"model\.rescale is of .* but model\.trunk = 'mobilenet_v2'"):
        load_recipe("demo", ["model.rescale=true", "model.trunk=mobilenet_v2"])


def test_a_run_on_vgg16_goes_on_with_batch_norm_from_the_same_answers(
    phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    recipe = load_recipe("demo", [*TINY, "model.trunk=vgg16", "training.epochs=1"])
    train_run(recipe, run, home=phantoms.home, fabric=fabric)
    recipe = recipe_of(run.path)
    network, start = started(recipe, phantoms)
    assert ", with its head; batch-norm inserted" in start.sentence
    images = images_of(recipe, phantoms).double()
    plain, _ = load_checkpoint(run.best)
    with torch.no_grad():
        before, after = plain.double()(images).logits, network.double().eval()(images).logits
    assert (before - after).abs().max() < 1e-5
