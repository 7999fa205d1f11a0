"""An ONNX model in float32 -> the same with weights stored in half floats where they hold them exactly. No torch.

Each such weight becomes a constant in float16 and an operation that casts it to float32. Engines do that once, when
they load the file, and compute in float32: answers stay the same to the last bit, and the file is half as large. The
weights must be half floats already, as those of a checkpoint that was stored so; one that would change stays as it is.
"""

from typing import TYPE_CHECKING

import numpy as np

from attnmel.deploy.packages import package

if TYPE_CHECKING:
    from onnx import ModelProto

LEAST = 256
"""Values of a tensor that is worth an operation more."""


def stored_in_halves(model: "ModelProto") -> "ModelProto":
    """Return a model whose large weights are stored in half floats, where that changes no value.

    Raises:
        ConfigError: onnx is not installed.
    """
    onnx = package("onnx")
    found = onnx.ModelProto()
    found.CopyFrom(model)
    casts = []
    for one in found.graph.initializer:
        values = onnx.numpy_helper.to_array(one)
        if values.dtype != np.float32 or values.size < LEAST or not held_by_halves(values):
            continue
        name, stored = one.name, f"{one.name}.half"
        one.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), stored))
        casts.append(onnx.helper.make_node("Cast", [stored], [name], name=f"{name}.cast", to=onnx.TensorProto.FLOAT))
    nodes = list(found.graph.node)
    del found.graph.node[:]
    found.graph.node.extend([*casts, *nodes])
    onnx.checker.check_model(found)
    return found


def held_by_halves(values: np.ndarray) -> bool:
    """Whether half floats hold every value exactly."""
    with np.errstate(over="ignore"):
        return bool((values.astype(np.float16).astype(np.float32) == values).all())
