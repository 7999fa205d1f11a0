"""Kernels and matrices are rounded to half floats, to the nearest; nothing else is touched."""

import numpy as np
import pytest
import torch

from attnmel.errors import CheckpointError
from attnmel.models.weights.halves import are_halves, in_halves

TENSORS = {
    "conv.weight": torch.linspace(-1, 1, 36).reshape(2, 2, 3, 3),
    "norm.running_var": torch.tensor([1e-9, 1.0]),
    "norm.num_batches_tracked": torch.tensor(3),
    "head.bias": torch.tensor([0.1, 0.2]),
}


def test_weights_are_the_nearest_half_floats_and_the_others_stay() -> None:
    found = in_halves(TENSORS)
    expected = TENSORS["conv.weight"].numpy().astype(np.float16)
    assert found["conv.weight"].dtype == torch.float16
    assert np.array_equal(found["conv.weight"].numpy(), expected)
    for name in TENSORS.keys() - {"conv.weight"}:
        assert found[name] is TENSORS[name]


def test_rounded_weights_are_known_as_such() -> None:
    assert not are_halves(TENSORS)
    assert are_halves({name: one.float() for name, one in in_halves(TENSORS).items()})


def test_a_weight_beyond_half_floats_is_refused() -> None:
    with pytest.raises(CheckpointError) as told:
        in_halves({"head.weight": torch.tensor([[70000.0, 1.0]])})
    assert str(told.value) == (
        "the tensor 'head.weight' holds 70000, and half floats end at 65504; store the network in float32"
    )
