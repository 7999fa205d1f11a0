"""Store the weights of an ONNX model in half floats where these represent them exactly. No torch.

Each such weight becomes a constant in float16 and an operation that casts it to float32. Engines cast once, when they
load the file, and compute in float32: the outputs stay exactly the same, and the file is half as large. This is for
weights that are half floats already, as in a checkpoint that was stored so; a weight that would change is left alone.
"""

from typing import TYPE_CHECKING

import numpy as np

from attnmel.deploy.packages import package

if TYPE_CHECKING:
    from onnx import ModelProto

LEAST = 256
"""Smallest number of values for which the additional operation saves space."""


def stored_in_halves(model: "ModelProto") -> "ModelProto":
    """Return the model with its large weights in half floats, where that changes no value."""
    onnx = package("onnx")
    found = onnx.ModelProto()
    found.CopyFrom(model)
    casts = []
    for one in found.graph.initializer:
        values = onnx.numpy_helper.to_array(one)
        if values.dtype != np.float32 or values.size < LEAST or not fits_halves(values):
            continue
        name, stored = one.name, f"{one.name}.half"
        one.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), stored))
        casts.append(onnx.helper.make_node("Cast", [stored], [name], name=f"{name}.cast", to=onnx.TensorProto.FLOAT))
    nodes = list(found.graph.node)
    del found.graph.node[:]
    found.graph.node.extend([*casts, *nodes])
    onnx.checker.check_model(found)
    return found


def fits_halves(values: np.ndarray) -> bool:
    """Return whether half floats represent every value exactly."""
    with np.errstate(over="ignore"):
        return bool((values.astype(np.float16).astype(np.float32) == values).all())
