"""Changed settings of several recipes are split into those that concern one and the others."""

import numpy as np

from attnmel.config.overrides import of_recipe, override_text
from attnmel.config.recipe import Recipe


def test_repeats_of_a_class_concern_networks_alone() -> None:
    given = ["data.repeats.melanoma=2", "data.statistics.of=x", "data.size=64", "svm.folds=3"]
    assert of_recipe("isic2017/mahbod", given) == (["data.size=64", "svm.folds=3"], given[:2])
    assert of_recipe("isic2017/attnmel", given) == (given[:3], given[3:])


def test_numbers_and_arrays_of_numpy_are_settings() -> None:
    for value, text in (
        (np.int64(3), "3"), (np.float64(0.1), "0.1"), (np.float32(0.5), "0.5"), (np.True_, "true"), (True, "true"),
        (np.array([1, 2]), "[1, 2]"), (np.array([0.25]), "[0.25]"),
    ):  # fmt: skip
        assert override_text("key", value) == f"key={text}"
    changed = Recipe.load("isic2017/mel-cnn").changed({"training.epochs": np.int64(3), "data.crop": np.float64(0.8)})
    assert (changed.training.epochs, changed.data.crop) == (3, 0.8)
