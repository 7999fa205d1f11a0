"""Images a second of `attnmel predict pretrained` on a folder, against its bounds and a plain loop over onnxruntime.

    python benchmarks/folders.py [--images 2000] [--distinct 100] [--rounds 3]

JPEG files of 1024 x 768: the first are distinct phantoms, the others links to them. Each way runs in a process of its
own, in turns; its start counts for all, which is why the folder is long. The bounds: "decoding alone" opens, cuts and
resizes each file by the program's own function, in as many threads as there are processors; "network alone" gives the
compiled network squares that are ready, as many at once as it takes. One after another, on the same processors, they
need the sum of both times: that is the bound of decoding and network. Wanted: at least 0.9 of it. The plain loop is a
torch DataLoader with a worker for each processor, and onnxruntime with its own choice of threads, in batches of 32.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from attnmel.data.phantoms import draw_phantom
from attnmel.pretrained.catalogue import find_model

WANTED = 0.9
HEIGHT, WIDTH = 768, 1024

DECODING = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from attnmel.deploy.onnx.export_facts import read_onnx_card
from attnmel.deploy.predictor import prepared_input
from attnmel.threads import available_processors
card, _ = read_onnx_card(Path(sys.argv[1]))
with ThreadPoolExecutor(available_processors()) as pool:
    for _ in pool.map(lambda path: prepared_input(path, None, card), sorted(Path(sys.argv[2]).iterdir())):
        pass
"""
NETWORK = """
import sys
from pathlib import Path
import numpy as np
from attnmel.deploy.openvino import OnnxNetwork
from attnmel.deploy.workers import in_threads
network = OnnxNetwork(Path(sys.argv[1]), precision="float32", threads=None)
side = network.inputs["square"][1]
ready, square = network.compiled(many=True), np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
for _ in in_threads(lambda path: ready.run(square), sorted(Path(sys.argv[2]).iterdir()), 2 * ready.at_once):
    pass
"""
PLAIN = """
import os, sys
from pathlib import Path
import numpy as np
import onnxruntime
from PIL import Image
from torch.utils.data import DataLoader, Dataset

session = onnxruntime.InferenceSession(sys.argv[1])
side = session.get_inputs()[0].shape[1]

class Files(Dataset):
    paths = sorted(Path(sys.argv[2]).iterdir())
    def __len__(self):
        return len(self.paths)
    def __getitem__(self, number):
        image = Image.open(self.paths[number]).convert("RGB")
        edge = min(image.size)
        left, top = (image.width - edge) // 2, (image.height - edge) // 2
        square = image.crop((left, top, left + edge, top + edge)).resize((side, side), Image.Resampling.BILINEAR)
        return np.asarray(square)

for batch in DataLoader(Files(), batch_size=32, num_workers=len(os.sched_getaffinity(0))):
    session.run(["probabilities"], {"square": batch.numpy()})
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--distinct", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the images are written; by default a temporary folder")
    chosen = parser.parse_args()
    shipped = find_model("pretrained")
    assert shipped is not None
    with tempfile.TemporaryDirectory(dir=chosen.folder) as place:
        images = Path(place) / "images"
        images.mkdir()
        write_images(images, chosen.images, chosen.distinct)
        arguments = [str(shipped.onnx), str(images)]
        out = str(Path(place) / "predictions.csv")
        ways = {
            "decoding alone": ["-c", DECODING, *arguments],
            "network alone": ["-c", NETWORK, *arguments],
            "plain loop": ["-c", PLAIN, *arguments],
            "attnmel predict": ["-m", "attnmel", "predict", *arguments, "--out", out],
        }
        rounds = []
        for number in range(chosen.rounds):
            Path(out).unlink(missing_ok=True)
            rounds.append({name: taken(command) for name, command in ways.items()})
            print(f"round {number + 1} of {chosen.rounds}: {rounds[-1]}", flush=True)
    print(f"{chosen.images} images, {chosen.distinct} of them distinct; load {os.getloadavg()[0]:.1f}")
    for kind, label in ((0, "elapsed"), (1, "of the processor")):
        for name in ways:
            seconds = statistics.median(one[name][kind] for one in rounds)
            print(f"{name:16} {seconds:7.1f} s {label}, {chosen.images / seconds:6.1f} images a second")
        bounds = sorted(
            (one["decoding alone"][kind] + one["network alone"][kind]) / one["attnmel predict"][kind] for one in rounds
        )
        plain = sorted(one["plain loop"][kind] / one["attnmel predict"][kind] for one in rounds)
        print(f"  of the bound: {spread(bounds)}, wanted {WANTED}; times the plain loop's rate: {spread(plain)}")


def write_images(folder: Path, count: int, distinct: int) -> None:
    """Write JPEG files of phantoms, the first `distinct` different ones and the others links to them."""
    for number in range(count):
        path = folder / f"{number:06}.jpg"
        if number < distinct:
            Image.fromarray(draw_phantom(0, number, height=HEIGHT, width=WIDTH).image).save(path, quality=90)
        else:
            path.hardlink_to(folder / f"{number % distinct:06}.jpg")


def spread(some: list[float]) -> str:
    """Return the median, with the smallest and the largest."""
    return f"{statistics.median(some):.2f} ({some[0]:.2f} to {some[-1]:.2f})"


def taken(command: list[str]) -> tuple[float, float]:
    """Return the seconds elapsed and those of the processor."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    elapsed, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return elapsed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
