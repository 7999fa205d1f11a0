"""Time from the start of a fresh process to the first answer, beside a bare script over the same engine.

    python benchmarks/prediction/first_answer.py [--runs 9]

The bare script imports OpenVINO, NumPy and Pillow, reads a photograph, cuts its central square, resizes it, compiles
the network and infers: nothing checks, explains or calibrates. All ways run in turn, so that what else the machine
does hits each alike; ratios are of one round. The bare script computes the image once; the program the image alone
(`--tta none`), or, as the pretrained model does by itself, the mean over its eight turns and flips. Seconds of the
processor are those of the process and depend less on other programs. Wanted: at most 1.15 times the bare script.
"""

import argparse
import compileall
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

import attnmel
from attnmel.pretrained.catalogue import find_model
from attnmel.pretrained.examples import FOLDER as EXAMPLES

WANTED = 1.15
HEIGHT, WIDTH = 768, 1024

BARE = """
import sys
import numpy as np
from PIL import Image
from openvino import Core
image = Image.open(sys.argv[2]).convert("RGB")
side = min(image.size)
left, top = (image.width - side) // 2, (image.height - side) // 2
core = Core()
model = core.read_model(sys.argv[1])
size = model.inputs[0].partial_shape[1].get_length()
square = np.asarray(image.crop((left, top, left + side, top + side)).resize((size, size), Image.Resampling.BILINEAR))
network = core.compile_model(model, "CPU", {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"})
print(network(square[None])["probabilities"])
"""
PREDICTOR = """
import sys
import attnmel
transforms = sys.argv[3] if len(sys.argv) > 3 else None
print(attnmel.Predictor(sys.argv[1], transforms=transforms).predict(sys.argv[2]).probabilities)
"""
PRETRAINED = ("-m", "attnmel", "predict", "pretrained")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    chosen = parser.parse_args()
    shipped = find_model("pretrained")
    assert shipped is not None
    # As an installation has them, also where the environment asks for none.
    compileall.compile_dir(Path(attnmel.__file__).parent, quiet=1)
    with tempfile.TemporaryDirectory() as folder:
        photograph = Path(folder) / "photograph.jpg"
        example = next(iter(EXAMPLES.glob("*.jpg")))
        Image.open(example).convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(
            photograph, quality=90
        )
        model, image = str(shipped.onnx), str(photograph)
        ways = {
            "bare script": ["-c", BARE, model, image],
            "attnmel predict model.onnx a.jpg --tta none": ["-m", "attnmel", "predict", model, image, "--tta", "none"],
            "attnmel predict pretrained a.jpg --tta none": [*PRETRAINED, image, "--tta", "none"],
            "attnmel.Predictor, transforms='none'": ["-c", PREDICTOR, model, image, "none"],
            "attnmel predict pretrained a.jpg": [*PRETRAINED, image],
            "attnmel.Predictor": ["-c", PREDICTOR, model, image],
        }
        rounds = [{name: _taken(command) for name, command in ways.items()} for _ in range(chosen.runs + 1)][1:]
    print(f"medians of {chosen.runs} rounds, one that warms up left out; load {os.getloadavg()[0]:.1f}")
    for name in ways:
        elapsed, busy = (statistics.median(one[name][kind] for one in rounds) for kind in (0, 1))
        ratios = [sorted(one[name][kind] / one["bare script"][kind] for one in rounds) for kind in (0, 1)]
        shown = "; ".join(
            f"{statistics.median(some):.2f} times the bare script ({some[0]:.2f} to {some[-1]:.2f}) {label}"
            for some, label in zip(ratios, ("elapsed", "of the processor"), strict=True)
        )
        print(f"{name:43} {elapsed:.2f} s elapsed, {busy:.2f} s of the processor; {shown}; wanted: {WANTED}")


def _taken(command: list[str]) -> tuple[float, float]:
    """Return the seconds elapsed and those of the processor."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    elapsed, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return elapsed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
