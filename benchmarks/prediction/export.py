"""How fast an exported network answers prepared squares: each engine and precision against eager float32 torch.

    python benchmarks/prediction/export.py [--trunk vgg16_bn] [--squares 8] [--rounds 3] [--threads 1] [--nncf]

The network has random weights, which take the time of trained ones. Rounds are interleaved, and the processor's time
counts, so that other work on the machine weighs on all alike. `--nncf` adds OpenVINO's own way to int8, for which
`pip install nncf` is needed. Reading and resizing images are not counted: benchmarks/prediction/prediction.py does.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from attnmel.config.fields import ComputePrecision
from attnmel.deploy.engines import onnxruntime_outputs
from attnmel.deploy.onnx.graph import onnx_graph
from attnmel.deploy.onnx.int8 import int8_model
from attnmel.deploy.openvino import OnnxNetwork, has_bf16
from attnmel.models.classifiers import build_network
from attnmel.models.trunks.registry import TRUNKS
from attnmel.models.weights.card import Card
from attnmel.pipeline.export.check import expected_output

SIZE, SIDE = 224, 256


def main() -> None:
    """Print a row an engine and precision: milliseconds a square, and how many times eager torch."""
    parser = argparse.ArgumentParser(description="Speed of an exported network.")
    parser.add_argument("--trunk", choices=TRUNKS, default="vgg16_bn")
    parser.add_argument("--squares", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--nncf", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    card = random_card(arguments.trunk)
    torch.manual_seed(0)
    network = build_network(card.network, trunk=card.trunk, classes=len(card.classes)).eval()
    shape = (arguments.squares, SIDE, SIDE, 3)
    squares = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        runs = {"torch, eager float32": lambda: expected_output(network, card, squares, len(squares))}
        runs |= exported(network, card, squares, Path(folder), arguments.threads, nncf=arguments.nncf)
        show(runs, arguments.rounds, arguments.squares)


def random_card(trunk: str) -> Card:
    """Return a card of AttnMel-CNN that was not trained."""
    return Card(
        network="attnmel-cnn",
        trunk=trunk,
        width=1.0,
        attention="sigmoid",
        classes=("rest", "melanoma"),
        positives=("melanoma",),
        size=SIZE,
        side=SIDE,
        crop=0.8,
        mean=(0.7, 0.5, 0.5),
        std=(0.1, 0.1, 0.1),
        epoch=0,
        measures={},
        recipe="random",
        data={},
        licence="none",
        seed=0,
    )


def exported(
    network: torch.nn.Module, card: Card, squares: np.ndarray, folder: Path, threads: int, *, nncf: bool
) -> dict[str, Callable[[], object]]:
    """Export and round the network, and load every file into every engine."""
    exact, rounded = folder / "exact.onnx", folder / "int8.onnx"
    model = onnx_graph(network, card)
    exact.write_bytes(model.SerializeToString())
    rounded.write_bytes(int8_model(model, squares).SerializeToString())
    runs: dict[str, Callable[[], object]] = {}
    for name, path in (("float32", exact), ("int8", rounded)):
        outputs_of = onnxruntime_outputs(path, threads=threads)
        runs[f"onnxruntime, {name}"] = lambda outputs_of=outputs_of: outputs_of(squares)
        runs[f"OpenVINO, {name}"] = by_openvino(path, squares, threads)
    if has_bf16():
        runs["OpenVINO, bf16"] = by_openvino(exact, squares, threads, "bf16")
    if nncf:
        runs["OpenVINO, int8 by nncf"] = by_openvino(by_nncf(exact, squares, folder), squares, threads)
    return runs


def by_openvino(
    path: Path, squares: np.ndarray, threads: int, precision: ComputePrecision = "float32"
) -> Callable[[], object]:
    """Run the squares one after another, as `Predictor` does with one thread."""
    network = OnnxNetwork(path, precision=precision, threads=threads).compiled(many=True)
    return lambda: [network.run(square) for square in squares]


def by_nncf(exact: Path, squares: np.ndarray, folder: Path) -> Path:
    """Round a file by OpenVINO's own tool, which writes its own format."""
    import nncf  # pyright: ignore[reportMissingImports] - not a dependency: installed by hand for this comparison
    import openvino

    dataset = nncf.Dataset([squares[place : place + 1] for place in range(len(squares))])
    path = folder / "nncf.xml"
    openvino.save_model(nncf.quantize(openvino.Core().read_model(exact), dataset), path, compress_to_fp16=False)
    return path


def show(runs: dict[str, Callable[[], object]], rounds: int, squares: int) -> None:
    """Time the runs in turn, after one that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds + 1):
        for name, run in runs.items():
            start = time.process_time()
            run()
            if turn:
                seconds[name].append(time.process_time() - start)
    torch_seconds = statistics.median(next(iter(seconds.values())))
    print(f"| {'engine, precision':24} | ms a square | times torch |\n| {'-' * 24} | ----------: | ----------: |")
    for name, taken in seconds.items():
        median = statistics.median(taken)
        print(f"| {name:24} | {median / squares * 1000:11.1f} | {torch_seconds / median:11.2f} |")


if __name__ == "__main__":
    main()
