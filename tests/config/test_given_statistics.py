"""Numbers that are given to normalise by are used, on whatever data set, or refused: never computed in silence."""

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attnmel.cli.commands.data import statistics
from attnmel.config.load import load_recipe, make_run_recipe, network_recipe
from attnmel.config.recipe import Recipe
from attnmel.errors import ConfigError
from attnmel.pipeline.run.images.dataset import prepare
from attnmel.pipeline.run.images.normalisation import with_statistics
from attnmel.pipeline.train.train import _settled

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from tests.conftest import Phantoms

LESION = "isic2017/attnmel-lesion"
MEAN, STD = "data.statistics.mean=[0.5, 0.4, 0.3]", "data.statistics.std=[0.1, 0.2, 0.3]"
OTHER = ("data.dataset=phantoms", "data.size=32")


def numbers(recipe: Recipe) -> tuple[str, tuple[float, ...], tuple[float, ...]]:
    found = recipe.data.statistics
    assert found is not None
    return found.of, found.mean, found.std


@pytest.mark.parametrize("of", ["phantoms", "isic2017"])
def test_numbers_that_are_given_normalise_the_data_set_in_use(of: str, phantoms: "Phantoms") -> None:
    recipe = load_recipe(LESION, [*OTHER, f"data.dataset={of}", MEAN, STD])
    expected = (of, (0.5, 0.4, 0.3), (0.1, 0.2, 0.3))
    assert numbers(recipe) == expected
    assert recipe.data.statistics is not None
    assert "authors" not in recipe.data.statistics.source, "other numbers are not theirs"
    prepared = prepare(load_recipe(LESION, OTHER).data, home=phantoms.home)
    assert numbers(with_statistics(recipe, prepared)) == expected
    again = recipe.changed({"data.statistics.std": [0.2, 0.2, 0.2]})
    assert numbers(again) == (of, (0.5, 0.4, 0.3), (0.2, 0.2, 0.2))


def test_one_number_of_another_data_set_and_one_given_are_refused_as_are_those_of_weights_too() -> None:
    with pytest.raises(ConfigError) as mixed:
        load_recipe(LESION, [*OTHER, MEAN])
    assert str(mixed.value) == (
        "data.statistics.mean is given, but data.statistics.std of the recipe is of isic2017; give both for phantoms"
    )
    with pytest.raises(
        ConfigError, match=r"mean is given, but data\.normalise_by = 'weights' takes the start weights'"
    ):
        load_recipe(LESION, [MEAN, STD, "data.normalise_by=weights"])


def test_those_of_a_folder_that_is_named_from_here_stay_its_own(
    fabric: "Fabric", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clinic").mkdir()
    (tmp_path / "clinic" / "labels.csv").write_text("image,label\n")
    monkeypatch.chdir(tmp_path)
    recipe = load_recipe(LESION, ["data.dataset=clinic", MEAN, STD])
    assert numbers(_settled(recipe, fabric)) == (str(tmp_path / "clinic"), (0.5, 0.4, 0.3), (0.1, 0.2, 0.3))


def test_what_the_command_prints_is_a_part_of_a_recipe(
    phantoms: "Phantoms", capsys: pytest.CaptureFixture[str]
) -> None:
    statistics("demo", ["data.size=32"], home=phantoms.home)
    printed = tomllib.loads(capsys.readouterr().out)["data"]["statistics"]
    settings = load_recipe("demo", ["data.size=32"]).model_dump(exclude_none=True)
    settings["data"]["statistics"] = printed
    recipe = network_recipe(make_run_recipe(settings))
    assert with_statistics(recipe, prepare(recipe.data, home=phantoms.home)) is recipe
