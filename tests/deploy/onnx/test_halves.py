"""A model stored in half floats has the outputs of the one in float32, in each engine, with half the bytes."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from tests.deploy.onnx.test_graph import CARD, network_of
from tests.kept_graphs import kept_graph

from attnmel.deploy.engines import onnxruntime_outputs
from attnmel.deploy.onnx.halves import fits_halves, stored_in_halves
from attnmel.deploy.openvino import OnnxNetwork
from attnmel.models.weights.halves import in_halves

if TYPE_CHECKING:
    from onnx import ModelProto


@pytest.fixture(scope="module")
def graph() -> "ModelProto":
    network = network_of(CARD)
    network.load_state_dict(
        {name: one.to(network.state_dict()[name].dtype) for name, one in in_halves(network.state_dict()).items()}
    )
    return kept_graph(network, CARD, folded=False)


def test_not_folded_the_weights_are_the_networks_own(graph: "ModelProto") -> None:
    stored = {one.name: numpy_helper.to_array(one) for one in graph.graph.initializer}
    own = {f"network.{name}": one.numpy() for name, one in network_of(CARD).state_dict().items() if one.ndim > 1}
    assert own.keys() <= stored.keys()
    for name, values in own.items():
        assert np.array_equal(stored[name], values.astype(np.float16).astype(np.float32))


def test_answers_are_the_same_in_each_engine(graph: "ModelProto", tmp_path: Path) -> None:
    squares = np.random.default_rng(0).integers(0, 256, (3, CARD.side, CARD.side, 3), dtype=np.uint8)
    said = []
    for name, model in (("whole", graph), ("halves", stored_in_halves(graph))):
        path = tmp_path / f"{name}.onnx"
        onnx.save(model, path)
        compiled = OnnxNetwork(path, precision="float32", threads=1).compiled(many=False)
        ours = compiled.run(squares[0])
        theirs = onnxruntime_outputs(path, threads=1)(squares[:1])
        said.append([*(ours[key] for key in sorted(ours)), *(theirs[key][0] for key in sorted(theirs))])
    for whole, halves in zip(*said, strict=True):
        np.testing.assert_allclose(halves, whole, rtol=0, atol=1e-6)


def test_weights_take_half_the_bytes(graph: "ModelProto") -> None:
    def weights(model: "ModelProto") -> int:
        large = (one for one in model.graph.initializer if np.prod(one.dims) >= 256)
        return sum(numpy_helper.to_array(one).nbytes for one in large)

    assert weights(stored_in_halves(graph)) == weights(graph) / 2


def test_weights_that_would_change_stay_as_they_are() -> None:
    graph = kept_graph(network_of(CARD), CARD)
    assert stored_in_halves(graph).SerializeToString() == graph.SerializeToString()


@pytest.mark.parametrize(
    ("value", "held"),
    [(0.5, True), (1 / 3, False), (65504.0, True), (65536.0, False), (2.0**-24, True), (2.0**-26, False)],
)
def test_what_half_floats_hold(value: float, held: bool) -> None:
    assert fits_halves(np.array([0.0, value], dtype=np.float32)) == held
