"""Quantisation to int8 rounds only the trunk, and the outputs stay close to those of the float32 model."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from tests.deploy.onnx.test_graph import CARD, network_of, openvino_outputs, squares
from tests.kept_graphs import kept_graph

from attnmel.deploy.engines import onnxruntime_outputs
from attnmel.deploy.onnx.int8 import int8_model
from attnmel.deploy.onnx.texts import ATTENTION, PROBABILITIES


@pytest.fixture(scope="module")
def models() -> tuple[onnx.ModelProto, onnx.ModelProto]:
    exact = kept_graph(network_of(CARD), CARD)
    return exact, int8_model(exact, squares(CARD, 10))


def named(model: onnx.ModelProto) -> dict[str, onnx.NodeProto]:
    return {output: node for node in model.graph.node for output in node.output}


def test_every_convolution_of_the_trunk_and_none_of_the_gates_takes_eight_bits(
    models: tuple[onnx.ModelProto, onnx.ModelProto],
) -> None:
    made = named(models[1])
    kinds = {"trunk": set(), "gates": set(), "head": set()}
    for node in models[1].graph.node:
        if node.op_type in ("Conv", "Gemm"):
            part = next(part for part in kinds if f".{part}." in node.input[1])
            kinds[part].add(made[node.input[1]].op_type if node.input[1] in made else "float32")
    assert kinds == {"trunk": {"DequantizeLinear"}, "gates": {"float32"}, "head": {"float32"}}


def test_weights_have_a_scale_for_each_output_channel(models: tuple[onnx.ModelProto, onnx.ModelProto]) -> None:
    dims = {one.name: tuple(one.dims) for one in models[1].graph.initializer}
    kernels = [node for node in models[1].graph.node if len(dims.get(node.input[0], ())) == 4]
    scales = [dims[node.input[1]] for node in kernels if node.op_type == "DequantizeLinear"]
    assert len(scales) == 13
    assert all(len(one) == 1 and one[0] > 1 for one in scales)


def test_answers_stay_near_those_of_float32_in_both_engines(
    models: tuple[onnx.ModelProto, onnx.ModelProto], tmp_path: Path
) -> None:
    paths = [tmp_path / name for name in ("exact.onnx", "int8.onnx")]
    for path, model in zip(paths, models, strict=True):
        path.write_bytes(model.SerializeToString())
    given = squares(CARD, 6)
    exact = onnxruntime_outputs(paths[0], threads=1)(given)
    for outputs_of in (onnxruntime_outputs(paths[1], threads=1), openvino_outputs(paths[1])):
        found = outputs_of(given)
        assert 0 < np.abs(found[PROBABILITIES] - exact[PROBABILITIES]).max() < 0.1
        assert all(np.abs(found[name] - exact[name]).max() < 0.1 for name in ATTENTION)


def test_the_model_that_was_given_is_left_as_it_was(models: tuple[onnx.ModelProto, onnx.ModelProto]) -> None:
    assert not models[0].metadata_props
    assert not models[1].metadata_props
    assert not any(node.op_type == "QuantizeLinear" for node in models[0].graph.node)
