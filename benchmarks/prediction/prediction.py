"""Images a second of `attnmel predict` on a folder, and seconds to its first answer: the exported file against torch.

    python benchmarks/prediction/prediction.py [--images 64] [--rounds 5] [--size 224] [--width 1.0]

AttnMel-CNN on vgg16_bn with random weights; phantoms as JPEG files. Every side decodes, prepares and predicts the same
files, the slow side by eager float32 torch as `attnmel predict RUN` does, the others by the ONNX file in float32, bf16
and int8. They take turns, so that a machine whose speed drifts drifts for all; medians, and the ratio round by round.
Wanted: float32 1.1, bf16 2.2, int8 4; the first answer of a process within 1 second on two cores, and 0.6 before it.
"""

import argparse
import dataclasses
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from attnmel import Predictor
from attnmel.compute import runtime
from attnmel.config.fields import prepared_side
from attnmel.data.phantoms import draw_phantom
from attnmel.data.preprocess.images import prepared_image
from attnmel.deploy.onnx.export_facts import ExportFacts, append_texts
from attnmel.deploy.onnx.graph import onnx_graph
from attnmel.deploy.onnx.int8 import int8_model
from attnmel.deploy.openvino import engine_version, has_bf16
from attnmel.models.classifiers import build_network
from attnmel.models.weights.card import Card
from attnmel.models.weights.checkpoints import save_weights
from attnmel.pipeline.predict.models.torch_model import CheckpointModel
from attnmel.pipeline.predict.predict import BATCH

WANTED = {"float32": 1.1, "bf16": 2.2, "int8": 4.0}
FIRST, BEFORE = 1.0, 0.6
HEIGHT, WIDTH, RANGES = 768, 1024, 16

BEFORE_THE_FIRST = """
import sys
import attnmel.cli.app, attnmel.pipeline.predict.predict
from attnmel import Predictor
list(Predictor(sys.argv[1]).predict_many([]))
"""


@dataclasses.dataclass(frozen=True)
class Files:
    """What is measured, on disk."""

    images: list[Path]
    checkpoint: Path
    exact: Path
    int8: Path


def written(folder: Path, chosen: argparse.Namespace) -> Files:
    """Write images and one network as a checkpoint and as ONNX files."""
    images = [folder / f"{number:04}.jpg" for number in range(chosen.images)]
    for number, path in enumerate(images):
        Image.fromarray(draw_phantom(0, number, height=HEIGHT, width=WIDTH).image).save(path, quality=90)
    torch.manual_seed(0)
    network = build_network("attnmel-cnn", trunk="vgg16_bn", width=chosen.width, classes=2).eval()
    card = Card(
        network="attnmel-cnn", trunk="vgg16_bn", width=chosen.width, attention="sigmoid", classes=("melanoma", "rest"),
        positives=("melanoma",), size=chosen.size, side=prepared_side(chosen.size), crop=0.8, mean=(0.7, 0.5, 0.5),
        std=(0.1, 0.1, 0.1), epoch=0, measures={}, recipe="random weights", data={}, licence="none", seed=0,
    )  # fmt: skip
    files = Files(images, folder / "m.safetensors", folder / "m.onnx", folder / "m-int8.onnx")
    save_weights(files.checkpoint, network.state_dict(), card)
    graph = onnx_graph(network, card)
    squares = np.stack([prepared_image(path, crop=0.8, side=card.side) for path in images[:RANGES]])
    for path, model in ((files.exact, graph), (files.int8, int8_model(graph, squares))):
        path.write_bytes(model.SerializeToString())
        precision = "float32" if path == files.exact else "int8"
        append_texts(path, card, ExportFacts(precision=precision, versions={}, checked_on="nothing"))
    return files


def ways(files: Files) -> dict[str, Callable[[], object]]:
    """Return each way to predict the folder; the first is what the others are compared with."""
    checkpoint = CheckpointModel(files.checkpoint, batch=BATCH, calibrated=False)
    predictors = {"float32": Predictor(files.exact), "int8": Predictor(files.int8)}
    if has_bf16():
        predictors["bf16"] = Predictor(files.exact, "bf16")
    found: dict[str, Callable[[], object]] = {"torch": lambda: list(checkpoint.predict(files.images, many=True))}
    for name, predictor in predictors.items():
        found[name] = lambda predictor=predictor: list(predictor.predict_many(files.images))
    return found


def seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def starts(files: Files) -> Iterator[tuple[str, list[str], float | None]]:
    """Give what a process is started for, how, and the seconds it may take."""
    python = sys.executable
    yield "before the first image", [python, "-c", BEFORE_THE_FIRST, str(files.exact)], BEFORE
    for name, model in (("float32", files.exact), ("int8", files.int8)):
        command = [python, "-m", "attnmel", "predict", str(model), str(files.images[0])]
        yield f"first answer, {name}", command, FIRST
        if name == "float32" and has_bf16():
            yield "first answer, bf16", [*command, "--precision", "bf16"], FIRST
    yield "first answer, torch", [python, "-m", "attnmel", "predict", str(files.checkpoint), str(files.images[0])], None


def main() -> None:
    """Time each way in turn and print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--width", type=float, default=1.0)
    chosen = parser.parse_args()
    threads = runtime.use_threads()
    print(f"{runtime.device_name(torch.device('cpu'))}; torch {torch.__version__}, {engine_version()}")
    print(f"{chosen.images} JPEG files of {WIDTH} x {HEIGHT}, {chosen.size} pixels, width {chosen.width:g}")
    with tempfile.TemporaryDirectory() as folder:
        files = written(Path(folder), chosen)
        works = ways(files)
        for work in works.values():
            work()
        took = [{name: seconds(work) for name, work in works.items()} for _ in range(chosen.rounds)]
        for name in works:
            rate = statistics.median(chosen.images / one[name] for one in took)
            ratios = sorted(one["torch"] / one[name] for one in took)
            told = f"{name:8} {rate:7.1f} images/s"
            if name in WANTED:
                told += f"  {statistics.median(ratios):5.2f} x torch ({ratios[0]:.2f} to {ratios[-1]:.2f})"
                told += f"  wanted {WANTED[name]:g}"
            print(told)
        commands = list(starts(files))
        walls: dict[str, list[float]] = {name: [] for name, _, _ in commands}
        for _ in range(chosen.rounds):
            for name, command, _ in commands:
                walls[name].append(
                    seconds(lambda command=command: subprocess.run(command, check=True, capture_output=True))
                )
        for name, _, wanted in commands:
            told = "" if wanted is None else f"  wanted {wanted:g}"
            every = sorted(walls[name])
            print(f"{name:24} {statistics.median(every):5.2f} s ({every[0]:.2f} to {every[-1]:.2f}){told}")
    print(f"{threads} threads; medians of {chosen.rounds} interleaved rounds, ratios and seconds with their range")


if __name__ == "__main__":
    main()
