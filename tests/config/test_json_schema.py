"""The JSON Schema of recipes: what it accepts and refuses, by an independent validator."""

import copy
import json
import tomllib
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from attnmel.config.json_schema import KINDS, recipe_schema
from attnmel.config.load import SEGMENTER, load_run_recipe, recipe_names
from attnmel.errors import ConfigError

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

RECIPES = Path(str(resources.files("attnmel"))) / "recipes"


def validator_class() -> "type[Draft202012Validator]":
    """Import the validator where it is used: that takes a second, in each worker."""
    from jsonschema import Draft202012Validator

    return Draft202012Validator


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return recipe_schema()


@pytest.fixture(scope="module")
def validator(schema: dict[str, Any]) -> "Draft202012Validator":
    validator_class().check_schema(schema)
    return validator_class()(schema)


def plain(recipe: str) -> dict[str, Any]:
    return tomllib.loads((RECIPES / f"{recipe}.toml").read_text(encoding="utf-8"))


def test_every_shipped_recipe_is_valid(validator: "Draft202012Validator") -> None:
    for name in recipe_names():
        assert list(validator.iter_errors(plain(name))) == [], name
    segmenter = resources.files("attnmel") / "config" / SEGMENTER
    assert validator.is_valid(tomllib.loads(segmenter.read_text(encoding="utf-8")))


def test_a_recipe_as_a_run_stores_it_is_valid(validator: "Draft202012Validator") -> None:
    for name in ("isic2017/attnmel-lesion", "isic2017/mahbod"):
        stored = load_run_recipe(name).model_dump(mode="json", exclude_none=True)
        assert list(validator.iter_errors(stored)) == [], name


@pytest.mark.parametrize(
    ("group", "key", "value"),
    [
        ("training", "epoch", 3),
        ("training", "epochs", 0),
        ("training", "epochs", "many"),
        ("model", "network", "resnet"),
        ("data", "size", 100),
        ("data", "crop", "central"),
        ("data", "classes", ["melanoma"]),
    ],
)
def test_what_no_recipe_takes_is_invalid(
    validator: "Draft202012Validator", group: str, key: str, value: object
) -> None:
    recipe = copy.deepcopy(plain("isic2017/attnmel"))
    recipe[group][key] = value
    assert not validator.is_valid(recipe)


def test_one_kind_is_for_that_kind_alone() -> None:
    of = {kind: validator_class()(recipe_schema(kind)) for kind in KINDS}
    recipes = {"network": "isic2017/attnmel", "system": "isic2017/mahbod", "fusion": "isic2017/menegola"}
    for kind, name in recipes.items():
        assert [one for one, validator in of.items() if validator.is_valid(plain(name))] == [kind]
    with pytest.raises(ConfigError, match=r"^unknown kind of recipe 'net'; known: fusion, network, segmenter, system$"):
        recipe_schema("net")


def test_settings_are_described_by_their_docstrings(schema: dict[str, Any]) -> None:
    training = schema["$defs"]["TrainingSettings"]
    assert (
        training["description"] == "Optimiser, learning rate and length of the training; the best epoch is chosen "
        "by validation."
    )
    assert training["properties"]["select"]["description"] == "Validation measure that chooses the best epoch."
    recipe = schema["$defs"]["Recipe"]["properties"]
    assert recipe["published"]["description"].startswith("Row of `evaluation.thesis.published`"), "of a base class"
    described = [one for each in schema["$defs"].values() for one in each.get("properties", {}).values()]
    assert sum("description" in one for one in described) > 0.6 * len(described)
    assert len(json.dumps(schema)) < 60_000, "editors read it at each start"
