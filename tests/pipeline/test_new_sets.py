"""The recipe of each newer data set: trained for an epoch on drawn files of the official layout, and evaluated."""

from pathlib import Path

import pytest
from tests.strangers.datasets.make_sets import write_derm7pt, write_isic2019, write_isic2020, write_milk10k, write_ph2

import attnmel

FETCHED = {"isic2019": write_isic2019, "isic2020": write_isic2020, "milk10k": write_milk10k}
UNPACKED = {"ph2": write_ph2, "derm7pt": write_derm7pt}
SETTINGS = {
    "training.epochs": 1,
    "training.batch": 8,
    "training.device": "cpu",
    "training.precision": "float32",
    "data.size": 64,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*FETCHED, *UNPACKED])
def test_the_recipe_of_a_data_set_trains_and_is_tested_on_another_one(name: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    write_ph2(home / "data" / "ph2")
    if name in FETCHED:
        FETCHED[name](tmp_path / "mirror")
        attnmel.datasets.fetch(name, mirror=(tmp_path / "mirror").as_uri(), home=home)
    elif name != "ph2":
        UNPACKED[name](home / "data" / name)
    trained = attnmel.train(f"{name}/attnmel-lite0", SETTINGS, out=tmp_path / "runs", home=home)
    run = trained.run
    assert run.recipe.data.dataset == name
    assert run.recipe.data.classes == run.card.classes  # pyright: ignore[reportOptionalMemberAccess]
    tested = attnmel.evaluate(run, home=home).to_frame()
    assert set(tested.task) >= set(run.recipe.data.positives)
    assert run.predictions("test").probabilities.shape[1] == len(run.recipe.data.classes)
    if name != "ph2" and "melanoma" in run.recipe.data.classes:
        elsewhere = attnmel.evaluate(run, on="ph2", home=home, out=tmp_path / "elsewhere").results
        assert elsewhere.dataset == "ph2"
