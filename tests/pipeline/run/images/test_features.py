"""What is kept of features is what was computed."""

from typing import TYPE_CHECKING

import numpy as np
import pytest

from attnmel.config.recipe import Recipe
from attnmel.config.system import LbpSettings
from attnmel.features.sources import ONLY, Described, FeatureSource
from attnmel.pipeline.run.images.dataset import ALL, prepare
from attnmel.pipeline.run.images.features import described_parts

if TYPE_CHECKING:
    from tests.conftest import Phantoms


def test_features_come_back_as_computed_in_whatever_order_their_memory_lies(
    phantoms: "Phantoms", tiny: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    # safetensors 0.8 saves the memory of an array as it lies, whatever its strides.
    calls = []

    def described(self: FeatureSource, pixels: np.ndarray, context: float) -> Described:
        calls.append(len(pixels))
        return {ONLY: np.asfortranarray(pixels.reshape(len(pixels), -1)[:, :50].astype(np.float32))}

    monkeypatch.setattr(FeatureSource, "describe", described)
    prepared = prepare(tiny.data, home=phantoms.home)
    rows, source = prepared.rows(ALL), FeatureSource(LbpSettings(kind="lbp"), tiny.data.size)

    def parts() -> list[np.ndarray]:
        every = described_parts(prepared, rows, source, 1.0, size=source.size, home=phantoms.home)
        return [one.described[ONLY] for one in every]

    computed, kept = parts(), parts()
    assert sum(calls) == len(prepared.cache), "the second time nothing is computed"
    assert all(np.array_equal(one, other) for one, other in zip(computed, kept, strict=True))
