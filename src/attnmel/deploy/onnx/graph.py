"""The ONNX graph of a trained network, from the prepared square to probabilities and attention maps.

The graph contains all steps after the resize: central crop, colour normalisation, network, temperature. The resize
itself stays in `data.preprocess.images.prepared_image`, since runtimes differ in antialiasing.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from attnmel import NOTICE, __version__
from attnmel.data.preprocess.images import crop_offset, shift_and_scale
from attnmel.deploy.onnx.texts import ATTENTION, LOGITS, PROBABILITIES, SQUARE
from attnmel.deploy.packages import errors_only, package
from attnmel.errors import CheckpointError
from attnmel.models.classifiers import MelNetwork
from attnmel.models.output import Output
from attnmel.models.weights.card import Card

if TYPE_CHECKING:
    from onnx import ModelProto
    from torch.onnx import ONNXProgram

OPSET = 18
"""Version of the ONNX operators: torch's exporter writes it without converting, and most runtimes know it."""

LARGEST = 2 << 30
"""Largest size in bytes of a protocol buffer, and so of a file that contains its weights."""


class FromSquare(nn.Module):
    """A network with the steps before and after it, as in `normalised` and `predict_images`."""

    shift: Tensor
    scale: Tensor

    def __init__(self, network: nn.Module, card: Card) -> None:
        super().__init__()
        self.network = network
        self.offset, self.size = crop_offset(card.side, card.size), card.size
        self.temperature = 1.0 if card.temperature is None else card.temperature
        for name, values in zip(("shift", "scale"), shift_and_scale(card.mean, card.std), strict=True):
            self.register_buffer(name, torch.from_numpy(values))

    def forward(self, square: UInt8[Tensor, "N S S 3"]) -> tuple[Tensor, ...]:
        """Return probabilities, logits and the attention maps, in the order of the file's outputs."""
        inside = slice(self.offset, self.offset + self.size)
        colours = (square[:, inside, inside].to(torch.float32) - self.shift) * self.scale
        output: Output = self.network(colours.permute(0, 3, 1, 2))
        probabilities = torch.softmax(output.logits / self.temperature, dim=1)
        return probabilities, output.logits, *(attention[:, 0] for attention in output.attention)


def onnx_graph(network: nn.Module, card: Card, *, folded: bool = True) -> "ModelProto":
    """Return a network as an ONNX model without a card, for any number of squares.

    `folded` multiplies batch-norms into the convolutions before them, as engines do when they load a file. Not folded,
    the weights in the file are exactly those of the network.

    Raises:
        CheckpointError: the weights are larger than one file can be.
    """
    onnx = package("onnx")
    package("onnxscript")
    weights = sum(tensor.nbytes for tensor in network.state_dict().values())
    if weights >= LARGEST:
        raise CheckpointError(f"the weights have {weights:,} bytes; one ONNX file can have at most {LARGEST:,}")
    gates = len(network.gates) if isinstance(network, MelNetwork) else 0
    example = torch.zeros(2, card.side, card.side, 3, dtype=torch.uint8)
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            FromSquare(network, card).eval(),
            (example,),
            input_names=[SQUARE],
            output_names=[PROBABILITIES, LOGITS, *ATTENTION[:gates]],
            dynamic_shapes=({0: "N"},),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
            optimize=folded,
        )
    if program is None:
        raise CheckpointError(
            "torch.onnx returned no model; report this with the versions that `attnmel doctor` prints"
        )
    if not folded:
        _simplify(program)
    model = program.model_proto
    _remove_source_places(model)
    model.producer_name, model.producer_version, model.doc_string = "attnmel", __version__, NOTICE
    onnx.checker.check_model(model)
    return model


def _simplify(program: "ONNXProgram") -> None:
    """Compute constants and drop unused nodes: the steps of torch's optimiser except folding."""
    optimizer = package("onnxscript.optimizer")
    optimizer.fold_constants(program.model)
    optimizer.remove_unused_nodes(program.model)


def _remove_source_places(model: "ModelProto") -> None:
    """Remove the source line of each operation, which would name folders of this machine."""
    for node in model.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info, *model.graph.initializer):
        value.ClearField("metadata_props")
    model.graph.ClearField("metadata_props")
    model.ClearField("metadata_props")


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence notes of torch's exporter about its own internals."""
    with errors_only("torch.onnx._internal.exporter._registration"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*LeafSpec.* is deprecated", category=FutureWarning)
        yield
