"""Recipes of fitted systems: the shipped ones, and what each mistake in one is answered."""

from typing import Any

import pytest

from attnmel.config.load import load_recipe, load_run_recipe, make_run_recipe, recipe_names
from attnmel.config.system import FEATURE_KINDS, SystemRecipe
from attnmel.data.datasets.read_dataset import KNOWN
from attnmel.errors import ConfigError

SHIPPED = [name for name in recipe_names() if isinstance(load_run_recipe(name), SystemRecipe)]


def settings(**changed: object) -> dict[str, Any]:
    plain = {
        "name": "own/system",
        "title": "own",
        "data": {"dataset": "phantoms", "classes": ["rest", "melanoma"], "positives": ["melanoma"]},
        "features": {"colour": {"kind": "colour"}},
    }
    return plain | changed


def refusal(**changed: object) -> str:
    with pytest.raises(ConfigError) as refused:
        make_run_recipe(settings(**changed))
    return str(refused.value)


def test_the_systems_of_the_rivals_are_shipped() -> None:
    assert SHIPPED == ["isic2016/codella", "isic2016/zhen-yu", "isic2017/mahbod", "isic2017/menegola-svm"]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_system_names_itself_and_known_data(name: str) -> None:
    recipe = load_run_recipe(name)
    assert recipe.name == name
    assert recipe.title.startswith("after ")
    assert recipe.data.dataset in KNOWN


def test_one_setting_of_a_feature_is_changed_by_its_name() -> None:
    recipe = load_run_recipe("isic2017/mahbod", ["features.vgg16.weights=elsewhere.pth", "svm.costs=[2.0]"])
    assert isinstance(recipe, SystemRecipe)
    assert recipe.features["vgg16"].model_dump()["weights"] == "elsewhere.pth"
    assert recipe.svm.costs == (2.0,)


def test_light_trunks_are_padded_as_their_weights_were_trained() -> None:
    recipe = load_run_recipe("isic2017/mahbod")
    assert isinstance(recipe, SystemRecipe)
    padding = {name: one.model_dump()["padding"] for name, one in recipe.features.items()}
    assert padding == {"vgg16": "symmetric", "lite0": "tensorflow"}


def test_every_kind_of_feature_is_one_of_its_name() -> None:
    for kind, own in FEATURE_KINDS.items():
        made = make_run_recipe(settings(features={"one": {"kind": kind}}))
        assert isinstance(made, SystemRecipe)
        assert type(made.features["one"]) is own


def test_a_command_of_networks_refuses_a_system() -> None:
    with pytest.raises(ConfigError) as refused:
        load_recipe("isic2017/mahbod")
    assert str(refused.value) == (
        "isic2017/mahbod is a fitted system of features and SVMs, not a network; `train`, `predict`, `evaluate`, "
        "`compare` and `report` take it"
    )


def test_an_unknown_key_of_a_feature_lists_those_of_its_kind() -> None:
    assert refusal(features={"a": {"kind": "edges", "bin": 3}}) == (
        "unknown key 'features.a.bin' (did you mean 'bins'?); known: bins, cells, kind"
    )
    assert refusal(svm={"kernels": "rbf"}).startswith(
        "unknown key 'svm.kernels' (did you mean 'kernel'?); known: balanced, "
    )


def test_a_seed_is_one_that_scikit_learn_takes() -> None:
    with pytest.raises(ConfigError, match=r"training.seed = 4294967296: expected at most 4294967295"):
        load_run_recipe("isic2017/menegola-svm", [f"training.seed={2**32}"])


def test_a_value_outside_its_limits_is_named_by_its_key() -> None:
    found = refusal(features={"a": {"kind": "edges", "bins": 1}})
    assert found == "features.a.bins = 1: expected at least 2"


def test_an_unknown_kind_lists_the_known_ones() -> None:
    found = refusal(features={"a": {"kind": "hog"}})
    assert found == (
        "features.a: expected one of the kinds 'colour', 'edges', 'lbp', 'sparse', 'taps', 'fisher', found 'hog'"
    )


def test_settings_of_a_networks_training_are_refused() -> None:
    data = settings()["data"] | {"repeats": {"melanoma": 4}, "ablation": "lesion-only"}
    assert refusal(data=data) == (
        "data.repeats, data.ablation are settings of a network's training; a fitted system has none"
    )


def test_a_kernel_without_negative_numbers_takes_no_z_scores() -> None:
    assert refusal(svm={"kernel": "chi2", "scaling": "zscore"}) == (
        "svm.kernel = 'chi2' takes no negative numbers, which z-scores are; set svm.scaling to 'none', 'sigmoid' or "
        "'split'"
    )
    assert refusal(svm={"kernel": "intersection", "scaling": "none", "components": 3}) == (
        "svm.kernel = 'intersection' takes no negative numbers; set svm.scaling to 'split'"
    )
