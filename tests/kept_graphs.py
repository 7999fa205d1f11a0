"""ONNX graphs of networks, each made once for all workers: an export takes seconds, and many tests export the same."""

import functools
import hashlib
from pathlib import Path

from filelock import FileLock
from onnx import ModelProto
from safetensors.torch import save as tensor_bytes
from torch import nn

from attnmel.deploy.onnx.graph import onnx_graph
from attnmel.models.weights.card import Card

USED = (
    "network", "own", "trunk", "width", "attention", "padding", "passing", "without", "grid", "heads", "branches",
    "classes", "size", "side", "mean", "std", "temperature",
)  # fmt: skip
"""What a graph depends on, of a card; the rest is written into the file beside it."""


class KeptGraphs:
    """Makes graphs and keeps them in a folder, if it has one."""

    folder: Path | None = None

    def __call__(self, network: nn.Module, card: Card, *, folded: bool = True) -> ModelProto:
        """Give what `onnx_graph` gives for the same network, weights, square, temperature and folding."""
        if self.folder is None:
            return onnx_graph(network, card, folded=folded)
        used = {name: getattr(card, name) for name in USED}
        key = tensor_bytes(network.state_dict()) + repr((used, folded)).encode()
        path = self.folder / hashlib.sha256(key).hexdigest()
        with FileLock(path.with_suffix(".lock")):
            if not path.is_file():
                _find_operators_once()
                path.write_bytes(onnx_graph(network, card, folded=folded).SerializeToString())
        return ModelProto.FromString(path.read_bytes())


@functools.cache
def _find_operators_once() -> None:
    """Let torch's exporter keep its table of operators, which it makes anew for each export: a sixth of the time."""
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    made = functools.cache(ONNXRegistry.from_torchlib)  # the same for the same opset
    ONNXRegistry.from_torchlib = staticmethod(made)  # pyright: ignore[reportAttributeAccessIssue]


kept_graph = KeptGraphs()
