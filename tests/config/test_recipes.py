"""Every shipped recipe is a whole row: known data, its classes, a network, and a command that trains it."""

from importlib import resources

import numpy as np
import pytest
import torch

from attnmel.config.load import load_recipe, load_run_recipe, recipe_names
from attnmel.config.recipe import Recipe
from attnmel.data.batches.batch import oversampled
from attnmel.data.datasets.read_dataset import KNOWN
from attnmel.evaluation.thesis.published import CLASSES_2018, PUBLISHED
from attnmel.models.classifiers import build_network
from attnmel.models.weights.card import network_settings

TABLES = {
    "isic2016": {"vgg16", "vgg16-gap", "mel-cnn", "attnmel"},
    "isic2017": {"vgg16", "vgg16-gap", "mel-cnn", "attnmel", "attnmel-dermo", "attnmel-lesion", "attnmel-bkg"},
    "isic2018": {
        "vgg16",
        "vgg16-gap",
        "mel-cnn",
        "attnmel",
        "attnmel-lesion-star",
        "attnmel-lesion-real",
        "attnmel-lesion-shifted",
        "attnmel-lesion-dilated",
        "attnmel-lesion-swapped",
        "attnmel-leaky",
    },
}

RECIPES = [
    name for name in recipe_names() if name.partition("/")[0] in TABLES and isinstance(load_run_recipe(name), Recipe)
]


def text_of(name: str) -> str:
    return (resources.files("attnmel") / "recipes" / f"{name}.toml").read_text(encoding="utf-8")


def images_an_epoch(name: str, counts: dict[str, int]) -> int:
    """How many images an epoch goes over, where there are `counts` training images of each class."""
    data = load_recipe(name).data
    labels = np.repeat(np.arange(len(data.classes)), [counts[one] for one in data.classes])
    repeats = {data.classes.index(one): times for one, times in data.repeats.items()}
    return len(oversampled(labels, repeats, data.passes))


@pytest.mark.parametrize(("table", "rows"), TABLES.items())
def test_every_row_of_the_tables_has_a_recipe(table: str, rows: set[str]) -> None:
    assert {f"{table}/{row}" for row in rows} <= set(recipe_names())


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_names_known_data_and_its_classes(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.data.dataset in KNOWN
    assert set(recipe.data.repeats) | set(recipe.data.positives) <= set(recipe.data.classes)
    if recipe.data.normalise_by == "dataset":
        assert recipe.data.statistics is not None
        assert recipe.data.statistics.of == recipe.data.dataset
    assert recipe.published is None or recipe.published in PUBLISHED
    assert (recipe.training.select == "balanced_accuracy") == (recipe.data.classes == CLASSES_2018)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_builds_its_network(name: str) -> None:
    recipe = load_recipe(name)
    network = build_network(
        recipe.model.network, classes=len(recipe.data.classes), **{**network_settings(recipe.model), "width": 0.05}
    )
    output = network.eval()(torch.rand(1, 3, 32, 32))
    assert output.logits.shape == (1, len(recipe.data.classes))
    assert bool(output.attention) == (recipe.model.network == "attnmel-cnn")


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_its_command_sources_and_cost(name: str) -> None:
    comment = text_of(name).partition("\nname = ")[0]
    assert f"# Command:  attnmel train {name}\n" in comment
    assert "# Sources:  " in comment
    assert f"# Cost:     {load_recipe(name).training.epochs} epochs of " in comment
    row = PUBLISHED.get(load_recipe(name).published or "")
    ours = "this project's" in comment.replace("which is this project's", "") or "hosen by us" in comment
    assert ours == (row is None or not row.own)


@pytest.mark.parametrize(
    ("name", "counts", "told"),
    [
        # Training images of each class as `read_dataset` divides the official tables.
        ("isic2016/attnmel", {"benign": 618, "malignant": 147}, "6,030"),
        ("isic2017/attnmel-dermo", {"rest": 1626, "melanoma": 374}, "6,244"),
        ("isic2018/attnmel", dict(zip(CLASSES_2018, (890, 5364, 411, 261, 879, 93, 113), strict=True)), "37,246"),
        ("isic2018/attnmel-leaky", dict(zip(CLASSES_2018, (891, 5364, 411, 261, 879, 92, 114), strict=True)), "37,241"),
        # All 10,015, as the slides trained on.
        ("isic2018/vgg16", dict(zip(CLASSES_2018, (1113, 6705, 514, 327, 1099, 115, 142), strict=True)), "46,543"),
    ],
)
def test_the_cost_counts_the_oversampled_images(name: str, counts: dict[str, int], told: str) -> None:
    assert f"{images_an_epoch(name, counts):,}" == told
    assert f"50 epochs of {told} images" in text_of(name) or sum(counts.values()) == 10_015
