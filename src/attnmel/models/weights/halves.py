"""Weights of a network -> the same rounded to half floats, in which a file takes half the room."""

from collections.abc import Mapping

import torch
from torch import Tensor

from attnmel.errors import CheckpointError


def in_halves(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors with two dimensions or more in half floats: kernels and matrices, nearly all of a network.

    Biases and batch-norm's numbers stay: they are few, and a small variance is far off in half floats.

    Raises:
        CheckpointError: a weight is too large for a half float.
    """
    found = {name: one.half() if rounds(one) else one for name, one in tensors.items()}
    for name, one in found.items():
        if not one.isfinite().all():
            raise CheckpointError(
                f"the tensor '{name}' holds {float(tensors[name].abs().max()):g}, and half floats end at 65504; store "
                "the network in float32"
            )
    return found


def are_halves(tensors: Mapping[str, Tensor]) -> bool:
    """Whether half floats hold every kernel and matrix exactly, as after `in_halves`."""
    return all(torch.equal(one.half().float(), one) for one in tensors.values() if rounds(one))


def rounds(tensor: Tensor) -> bool:
    """Whether `in_halves` rounds a tensor of this kind and shape."""
    return tensor.dtype == torch.float32 and tensor.ndim > 1
