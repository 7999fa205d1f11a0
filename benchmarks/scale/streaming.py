"""A folder of many images through `attnmel predict`: stopped and resumed, memory and speed by the number of images.

    python benchmarks/scale/streaming.py [--images 2000] [--drawn 200]
    python benchmarks/scale/streaming.py --images 100000

Some phantoms are drawn as JPEG files of 512x384 and stand under many names in one folder, every thousandth file cut
short. A small AttnMel-CNN with random weights as an ONNX file answers: first a tenth of the folder, then the whole of
it, stopped by SIGINT after a third and resumed. Each row of the whole table has to be there once, in the order of the
names, with the probabilities that the tenth had for the same phantom, or with the reason. Peak resident memory is that
of each process by Linux (`VmHWM`; `ru_maxrss` would be this process's own, which a child begins with); images a second
are those of the whole command.
"""

import argparse
import csv
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image

from attnmel.compute import runtime
from attnmel.config.fields import prepared_side
from attnmel.data.phantoms import draw_phantom
from attnmel.deploy.onnx.export_facts import ExportFacts, append_texts
from attnmel.deploy.onnx.graph import onnx_graph
from attnmel.deploy.openvino import engine_version
from attnmel.models.classifiers import build_network
from attnmel.models.weights.card import Card

HEIGHT, WIDTH = 384, 512
SIZE, NETWORK_WIDTH = 64, 0.125
BROKEN_EACH, BROKEN_AT = 1000, 3
"""Every thousandth file is cut short, from the fourth on."""

MEASURED = """
import re, sys
from pathlib import Path
from attnmel.cli import main
try:
    main()
except SystemExit as ended:
    code = ended.code
print(1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]), file=sys.stderr)
sys.exit(code)
"""


class Run(NamedTuple):
    """One process that predicted."""

    code: int
    seconds: float
    peak: int
    """Bytes."""


def write_model(path: Path) -> None:
    """Write a small network as an ONNX file."""
    torch.manual_seed(0)
    network = build_network("attnmel-cnn", trunk="vgg16_bn", width=NETWORK_WIDTH, classes=2).eval()
    card = Card(
        network="attnmel-cnn", trunk="vgg16_bn", width=NETWORK_WIDTH, attention="sigmoid", licence="none", data={},
        classes=("melanoma", "rest"), positives=("melanoma",), size=SIZE, side=prepared_side(SIZE), crop=0.8, epoch=0,
        mean=(0.7, 0.5, 0.5), std=(0.1, 0.1, 0.1), measures={}, recipe="random weights", seed=0,
    )  # fmt: skip
    path.write_bytes(onnx_graph(network, card).SerializeToString())
    append_texts(path, card, ExportFacts(precision="float32", versions={}, checked_on="nothing"))


def draw(folder: Path, number: int) -> list[Path]:
    """Draw phantoms."""
    folder.mkdir()
    paths = [folder / f"{index:04}.jpg" for index in range(number)]
    for index, path in enumerate(paths):
        Image.fromarray(draw_phantom(0, index, height=HEIGHT, width=WIDTH).image).save(path, quality=90)
    return paths


def fill(folder: Path, drawn: Sequence[Path], number: int) -> Path:
    """Fill a folder with the phantoms under many names, some of them broken."""
    folder.mkdir()
    start = drawn[0].read_bytes()[:200]
    for place in range(number):
        path = folder / f"{place:06}.jpg"
        if broken(place):
            path.write_bytes(start)
        else:
            path.hardlink_to(drawn[place % len(drawn)])
    return folder


def broken(place: int) -> bool:
    """Whether the file at a place is cut short."""
    return place % BROKEN_EACH == BROKEN_AT


def predict(*arguments: str | Path, stop_after: int | None = None) -> Run:
    """Predict in a process of its own; stop it as Ctrl-C does, once so many answers are kept."""
    start = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-c", MEASURED, "predict", *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # Started in the background of a shell, this process and its children would ignore the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    if stop_after is not None:
        part = Path(f"{arguments[-1]}.part")
        while child.poll() is None and not (part.is_file() and part.read_bytes().count(b"\n") > stop_after):
            time.sleep(0.5)
        child.send_signal(signal.SIGINT)
    _, told = child.communicate()
    return Run(child.returncode, time.perf_counter() - start, int(told.splitlines()[-1]))


def rows(table: Path) -> list[tuple[str, str, str]]:
    """Return image, probability of melanoma and reason of each row."""
    with table.open(newline="") as file:
        read = csv.DictReader(file)
        return [(Path(row["image"]).name, row["probability_melanoma"], row["error"]) for row in read]


def check(some: Path, every: Path, drawn: int, number: int) -> None:
    """Hold every row of the whole table against the tenth; a difference ends the program."""
    said = {int(name[:6]) % drawn: share for name, share, error in rows(some) if not error}
    found = rows(every)
    if [name for name, _, _ in found] != [f"{place:06}.jpg" for place in range(number)]:
        sys.exit("the whole table lacks rows, or has them twice or in another order")
    for place, (name, share, error) in enumerate(found):
        if broken(place) != ("truncated" in error) or (not error and share != said[place % drawn]):
            sys.exit(f"{name}: {share or error}, expected {said[place % drawn]}{' or a reason' * broken(place)}")


def main() -> None:
    """Predict, check and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--drawn", type=int, default=200)
    chosen = parser.parse_args()
    number, tenth = chosen.images, chosen.images // 10
    # Each phantom stands in the tenth at least twice, so that one copy of it is whole.
    drawn = min(chosen.drawn, tenth // 2 - 1)
    print(f"{runtime.device_name(torch.device('cpu'))}; {engine_version()}; {drawn} phantoms, {SIZE} pixels")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_model(model := folder / "model.onnx")
        pictures = draw(folder / "drawn", drawn)
        few, many = (fill(folder / f"{size}", pictures, size) for size in (tenth, number))
        some, every = folder / "some.csv", folder / "every.csv"
        runs = {
            f"{tenth:,} images": predict(model, few, "--out", some),
            f"{number:,} images, stopped after a third": predict(model, many, "--out", every, stop_after=number // 3),
            "the rest, resumed": predict(model, many, "--resume", "--out", every),
        }
        check(some, every, drawn, number)
    if [run.code for run in runs.values()] != [1, 130, 1]:
        sys.exit(f"exit codes {[run.code for run in runs.values()]}; expected 1 (broken files), 130 (stopped), 1")
    print("\n| | seconds | peak, MB |\n| --- | --- | --- |")
    for name, run in runs.items():
        print(f"| {name} | {run.seconds:.0f} | {run.peak / 1e6:.1f} |")
    whole = list(runs.values())[1:]
    least, most = runs[f"{tenth:,} images"].peak, max(run.peak for run in whole)
    print(f"\n{number / sum(run.seconds for run in whole):.0f} images a second; ", end="")
    print(f"{(most - least) / (number - tenth):.0f} bytes an image beyond the first {tenth:,}; the tables agree")


if __name__ == "__main__":
    main()
