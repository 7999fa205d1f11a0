"""Colours are corrected alike in the cache of the training, in `predict`, and in `attnmel.Predictor`."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from attnmel.config.load import load_recipe
from attnmel.config.recipe import Recipe
from attnmel.config.settings.data import Statistics
from attnmel.data.preprocess.colour_constancy import shades_of_grey
from attnmel.data.preprocess.images import prepared_image
from attnmel.deploy.onnx.export_facts import ExportFacts, append_texts
from attnmel.deploy.predictor import Predictor, prepared_input
from attnmel.files.folders import RunFolder
from attnmel.models.output import predict_batch
from attnmel.models.weights.checkpoints import load_checkpoint, save_weights
from attnmel.pipeline.export import export
from attnmel.pipeline.predict.models.torch_model import model_input
from attnmel.pipeline.predict.predict import predict_images
from attnmel.pipeline.run.images.dataset import prepare
from attnmel.pipeline.run.images.normalisation import with_statistics

if TYPE_CHECKING:
    from tests.conftest import Phantoms


def test_the_cache_holds_corrected_images_and_the_plain_one_stays(tiny: Recipe, phantoms: "Phantoms") -> None:
    recipe = load_recipe("demo", ["data.size=32", "data.colour_constancy=shades-of-grey"])
    plain, corrected = (prepare(one.data, home=phantoms.home) for one in (tiny, recipe))
    assert plain.cache.key != corrected.cache.key
    rows = np.arange(3)
    before, after = plain.cache.gather(rows), corrected.cache.gather(rows)
    assert np.array_equal(after[..., 3], before[..., 3])
    for row in rows:
        assert np.array_equal(after[row, ..., :3], shades_of_grey(before[row, ..., :3]))
    assert not np.array_equal(after, before)


def test_statistics_of_uncorrected_images_are_computed_anew(tiny: Recipe, phantoms: "Phantoms") -> None:
    recipe = load_recipe("demo", ["data.size=32", "data.colour_constancy=shades-of-grey"])
    given = Statistics(of="phantoms", mean=(0.5, 0.4, 0.3), std=(0.1, 0.1, 0.1), source="published")
    recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"statistics": given})})
    prepared = prepare(recipe.data, home=phantoms.home)
    resolved = with_statistics(recipe, prepared)
    found = resolved.data.statistics
    assert found is not None
    assert found.of == "phantoms, shades-of-grey"
    pixels = prepared.cache.gather(prepared.rows("train"))[..., :3]
    np.testing.assert_allclose(found.mean, pixels.mean(axis=(0, 1, 2)) / 255, atol=1e-5)
    assert with_statistics(resolved, prepared) == resolved


def test_a_card_with_it_corrects_what_is_predicted(trained: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    image = next((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))
    network, card = load_checkpoint(trained.path)
    card = dataclasses.replace(card, colour_constancy="shades-of-grey")
    checkpoint, file = tmp_path / "corrected.safetensors", tmp_path / "corrected.onnx"
    save_weights(checkpoint, network.state_dict(), card)
    file.write_bytes(export.onnx_graph(network, card).SerializeToString())
    append_texts(file, card, ExportFacts(precision="float32", versions={}, checked_on=""))
    square = shades_of_grey(prepared_image(image, crop=0.8, side=card.side))
    assert np.array_equal(prepared_input(image, None, card).prepared[0], square)
    expected = predict_batch(network, model_input(square, card), card.temperature).probabilities[0]
    (plain,), (found,), (exported,) = (
        list(predict_images(model, [image])) for model in (trained.path, checkpoint, file)
    )
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-6)
    np.testing.assert_allclose(exported.probabilities, expected, atol=1e-5)
    assert list(Predictor(file).predict(image).probabilities.values()) == pytest.approx(exported.probabilities)
    assert max(np.abs(np.subtract(plain.probabilities, expected))) > 1e-4
