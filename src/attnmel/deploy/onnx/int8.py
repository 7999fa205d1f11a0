"""Quantise the trunk of a float32 ONNX model to int8, with ranges from prepared squares. No torch.

Static quantisation: the weights of each convolution are rounded to 8 bits with one scale for each output channel, the
activations with one scale for each tensor, from their range on the squares. The model contains pairs of QuantizeLinear
and DequantizeLinear (ONNX's "QDQ"), from which each engine makes its own 8-bit operations.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from attnmel.deploy.onnx.texts import SQUARE
from attnmel.deploy.packages import errors_only, package

if TYPE_CHECKING:
    from onnx import ModelProto

ROUNDED = ("Conv", "Relu", "Clip", "MaxPool", "Add", "Gemm")
"""Operations with 8-bit inputs and outputs."""

EXACT = ("network.gates.", "network.head.", "network.polar.", "network.asymmetry.")
"""Prefixes of the names of weights that stay in float32, with all that is computed from them: maps are compared to a
thousandth, scores in 256 steps would create ties, and both together are less than a hundredth of the computation."""

SQUARES_AT_ONCE = 8


def int8_model(model: "ModelProto", squares: UInt8[np.ndarray, "N S S 3"]) -> "ModelProto":
    """Return a model of `onnx_graph` in int8, with ranges from the squares."""
    onnx, quantization = package("onnx"), package("onnxruntime.quantization")
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    # The preprocessing that the tool demands (folded batch-norms, known shapes) is done already; this says so.
    onnx.helper.set_model_props(whole, {"onnx.quant.pre_process": "onnxruntime.quant"})
    kinds = quantization.QuantType
    with tempfile.TemporaryDirectory() as folder, errors_only(None):  # onnxruntime's tool logs by the root logger
        path = Path(folder) / "int8.onnx"
        quantization.quantize_static(
            whole,
            path,
            _Squares(squares),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=list(ROUNDED),
            nodes_to_exclude=_exact(model),
            per_channel=True,
            # Signed weights and unsigned maps: what CPUs with VNNI multiply without overflow.
            activation_type=kinds.QUInt8,
            weight_type=kinds.QInt8,
        )
        rounded = onnx.load(path)
    rounded.ClearField("metadata_props")
    rounded.producer_name, rounded.producer_version = model.producer_name, model.producer_version
    rounded.doc_string = model.doc_string
    onnx.checker.check_model(rounded)
    return rounded


def _exact(model: "ModelProto") -> list[str]:
    """Return the names of the operations computed from weights of `EXACT`, directly or through others."""
    values = {one.name for one in model.graph.initializer if one.name.startswith(EXACT)}
    names = []
    for node in model.graph.node:  # in the order of computation, as ONNX demands
        if values.intersection(node.input):
            values.update(node.output)
            names.append(node.name)
    return names


class _Squares:
    """Squares in onnxruntime's interface for calibration data: some at each call, None at the end."""

    def __init__(self, squares: UInt8[np.ndarray, "N S S 3"]) -> None:
        starts = range(0, len(squares), SQUARES_AT_ONCE)
        self._parts: Iterator[np.ndarray] = (squares[start : start + SQUARES_AT_ONCE] for start in starts)

    def get_next(self) -> dict[str, np.ndarray] | None:
        part = next(self._parts, None)
        return None if part is None else {SQUARE: part}
