"""Class weights are of the training images in use, and stored with the run."""

from typing import TYPE_CHECKING

import torch

from attnmel.config.recipe import Recipe
from attnmel.files.folders import RunFolder
from attnmel.models.weights.start_weights import Start
from attnmel.pipeline.run.images.dataset import prepare
from attnmel.pipeline.run.provenance import read_provenance, write_start
from attnmel.pipeline.train.setup import class_weights, objective

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Phantoms


def weighted(recipe: Recipe, weights: object, **data: object) -> Recipe:
    plain = recipe.model_dump()
    return Recipe.model_validate(
        {**plain, "loss": {**plain["loss"], "class_weights": weights}, "data": {**plain["data"], **data}}
    )


def test_median_frequency_is_of_the_training_images_in_use(tiny: Recipe, phantoms: "Phantoms") -> None:
    every = prepare(tiny.data, home=phantoms.home)
    for data in ({}, {"limit": 11}, {"fold": "2/5"}, {"exclude": every.cache.image_ids[:7]}):
        recipe = weighted(tiny, "median-frequency", **data)
        prepared = prepare(recipe.data, home=phantoms.home)
        counts = prepared.fingerprint()["splits"]["train"]
        middle = (counts["rest"] + counts["melanoma"]) / 2
        expected = {"rest": middle / counts["rest"], "melanoma": middle / counts["melanoma"]}
        assert class_weights(recipe, prepared) == expected, data


def test_numbers_are_taken_in_the_order_of_the_scores(tiny: Recipe, phantoms: "Phantoms") -> None:
    recipe, prepared = weighted(tiny, {"melanoma": 2.0, "rest": 0.5}), prepare(tiny.data, home=phantoms.home)
    found = class_weights(recipe, prepared)
    assert found == {"rest": 0.5, "melanoma": 2.0}
    assert objective(recipe, found).loss.class_weights == (0.5, 2.0)
    assert class_weights(tiny, prepared) == {}
    assert objective(tiny, {}).loss.class_weights == ()


def test_weights_are_stored_with_the_run(tiny: Recipe, tmp_path: "Path") -> None:
    run, weights = RunFolder(tmp_path), {"rest": 0.5, "melanoma": 2.0}
    for given, expected in ((weights, weights), ({}, None)):
        write_start(
            run,
            tiny,
            {"licence": "CC-0"},
            class_weights=given,
            device=torch.device("cpu"),
            processes=1,
            command="",
            start=Start("random"),
        )
        assert read_provenance(run).get("class weights") == expected
