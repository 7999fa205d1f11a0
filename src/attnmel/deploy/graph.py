"""A trained network -> the graph of its ONNX file, from the prepared square to probabilities and attention maps.

The graph holds all that follows the resize: the central cut, the colours, the network, the temperature. The resize
itself stays with `data.images.prepared_image`, for runtimes do not agree on antialiasing.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from attnmel import NOTICE, __version__
from attnmel.data.preprocess.images import crop_offset, shift_and_scale
from attnmel.deploy.onnx_file import ATTENTION, LOGITS, PROBABILITIES, SQUARE
from attnmel.deploy.packages import package
from attnmel.errors import CheckpointError
from attnmel.models.classifiers import MelNetwork
from attnmel.models.output import Output
from attnmel.models.weights.card import Card

if TYPE_CHECKING:
    from onnx import ModelProto
    from torch.onnx import ONNXProgram

OPSET = 18
"""Version of ONNX's operators: what torch's exporter writes without converting, old enough for most runtimes."""

LARGEST = 2 << 30
"""Bytes that a protocol buffer can hold, and so a file with its weights inside."""


class FromSquare(nn.Module):
    """A network with all that stands before and behind it, as `normalised` and `predict_images` have it."""

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
        """Give probabilities, logits and the attention maps, in the order of the file's outputs."""
        inside = slice(self.offset, self.offset + self.size)
        colours = (square[:, inside, inside].to(torch.float32) - self.shift) * self.scale
        output: Output = self.network(colours.permute(0, 3, 1, 2))
        shares = torch.softmax(output.logits / self.temperature, dim=1)
        return shares, output.logits, *(attention[:, 0] for attention in output.attention)


def onnx_graph(network: nn.Module, card: Card, *, folded: bool = True) -> "ModelProto":
    """Return a network as an ONNX model without a card; the number of squares is left open.

    `folded` multiplies batch-norms into the convolutions before them, as engines do when they load a file. Not folded,
    the weights in the file are the network's own, to the last bit.

    Raises:
        ConfigError: a package of the extra "export" is not installed.
        CheckpointError: the weights are more than one file can hold.
    """
    onnx = package("onnx")
    package("onnxscript")
    weights = sum(tensor.nbytes for tensor in network.state_dict().values())
    if weights >= LARGEST:
        raise CheckpointError(f"the weights take {weights:,} bytes, more than one ONNX file can hold ({LARGEST:,})")
    example = torch.zeros(2, card.side, card.side, 3, dtype=torch.uint8)
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            FromSquare(network, card).eval(),
            (example,),
            input_names=[SQUARE],
            output_names=[PROBABILITIES, LOGITS, *ATTENTION[: _gates(network)]],
            dynamic_shapes=({0: "N"},),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
            optimize=folded,
        )
    if program is None:
        raise CheckpointError("torch.onnx gave no model; report this with the versions that `attnmel doctor` prints")
    if not folded:
        _tidy(program)
    model = program.model_proto
    _forget_places(model)
    model.producer_name, model.producer_version, model.doc_string = "attnmel", __version__, NOTICE
    onnx.checker.check_model(model)
    return model


def _tidy(program: "ONNXProgram") -> None:
    """Compute what does not depend on the input, and drop what is not used: of torch's optimiser all but folding."""
    optimizer = package("onnxscript.optimizer")
    optimizer.fold_constants(program.model)
    optimizer.remove_unused_nodes(program.model)


def _gates(network: nn.Module) -> int:
    return len(network.gates) if isinstance(network, MelNetwork) else 0


def _forget_places(model: "ModelProto") -> None:
    """Take out where in the source each operation is from: it names folders of this machine and is of no use there."""
    for node in model.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info, *model.graph.initializer):
        value.ClearField("metadata_props")
    model.graph.ClearField("metadata_props")
    model.ClearField("metadata_props")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch's exporter from speaking of its own inside: what it misses of torchvision, and its own old names."""
    log = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r".*LeafSpec.* is deprecated", category=FutureWarning)
            yield
    finally:
        log.setLevel(level)
