"""Predictions carry the ids of their rows, and maps are next to them in the same order."""

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from attnmel.config.recipe import Recipe
from attnmel.evaluation.predict import predict_batches
from attnmel.models.classifiers import build_network
from attnmel.pipeline.run.images.dataset import prepare, split_batches
from attnmel.pipeline.run.images.normalisation import with_statistics

if TYPE_CHECKING:
    from tests.conftest import Phantoms

CPU = torch.device("cpu")


@pytest.mark.parametrize(("network", "maps"), [("attnmel-cnn", 2), ("mel-cnn", 0)])
def test_rows_ids_and_maps_belong_together(network: str, maps: int, tiny: Recipe, phantoms: "Phantoms") -> None:
    prepared = prepare(tiny.data, home=phantoms.home)
    data = with_statistics(tiny, prepared).data
    torch.manual_seed(0)
    model = build_network(network, width=0.05, classes=2).train()
    rows = prepared.rows("test")[::-1].copy()
    found = predict_batches(
        model,
        split_batches(data, prepared, rows, batch=5, device=CPU),
        image_ids=prepared.cache.image_ids,
        classes=data.classes,
        groups=prepared.groups,
        device=CPU,
    )
    assert found.predictions.image_ids == tuple(prepared.cache.image_ids[row] for row in rows)
    np.testing.assert_array_equal(found.predictions.labels, prepared.labels(rows))
    np.testing.assert_allclose(found.predictions.probabilities.sum(axis=1), 1, atol=1e-12)
    assert len(found.attention) == maps
    assert not model.training
    (only,) = list(split_batches(data, prepared, rows[:1], batch=1, device=CPU))
    with torch.inference_mode():
        output = model(only.images)
    np.testing.assert_allclose(found.predictions.probabilities[0], output.logits[0].softmax(0), atol=1e-6)
    for stacked, alone in zip(found.attention, output.attention, strict=True):
        np.testing.assert_allclose(stacked[0], alone[0, 0], atol=1e-5)
