"""Images a second of `attnmel predict pretrained` on a folder, against its bounds and a plain loop over onnxruntime.

    python benchmarks/prediction/folders.py [--images 2000] [--distinct 100] [--rounds 3] [--tta none]
    python benchmarks/prediction/folders.py --images 2000 20000 --photographs FOLDER --distinct 400 --rounds 1

JPEG files of 1024 x 768: the first are distinct, the others hard links to them, so that a small disk holds them. They
are phantoms, or the photographs of a folder, cut to 4:3 and enlarged. The bounds: "decoding alone" opens, cuts and
resizes each file by the program's own function, in as many threads as there are processors; "network alone" gives the
compiled network squares that are ready, as many at once as it takes. One after another, on the same processors, they
need the sum of both times: that is the bound of decoding and network. Wanted: at least 0.9 of it. The plain loop is a
torch DataLoader with a worker for each processor, and onnxruntime with its own choice of threads, in batches of 32.
Every way computes the image as it is (`--tta none`) or its eight turns and flips (`--tta dihedral`, the default of the
pretrained model); the plain loop turns and mirrors arrays. With `--others-each 4` the bounds and the loop take every
fourth image, and their time, start included, counts four times.

Each way runs in a process of its own, whose start counts, which is why the folder is long. All of them go through the
folder at the same time, but only one at a moment: it runs for some seconds (`--turn`) while the others are suspended.
So each meets the same share of a machine that other programs use, and its time elapsed is the sum of its turns.
"""

import argparse
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageOps

from attnmel.data.phantoms import draw_phantom
from attnmel.pretrained.catalogue import find_model

WANTED = 0.9
HEIGHT, WIDTH = 768, 1024
QUALITY = 90
DECODING = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from attnmel.deploy.onnx.export_facts import read_onnx_card
from attnmel.deploy.predictor import prepared_input
from attnmel.compute.threads import available_processors
from attnmel.config.settings.tta import transforms_of
card, _ = read_onnx_card(Path(sys.argv[1]))
views = transforms_of(sys.argv[4])
paths = sorted(Path(sys.argv[2]).iterdir())[:: int(sys.argv[3])]
with ThreadPoolExecutor(available_processors()) as pool:
    for _ in pool.map(lambda path: prepared_input(path, None, card, views), paths):
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
paths = sorted(Path(sys.argv[2]).iterdir())[:: int(sys.argv[3])]
views = range(8 if sys.argv[4] == "dihedral" else 1)
for _ in in_threads(lambda path: [ready.run(square) for _ in views], paths, 2 * ready.at_once):
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
dihedral = sys.argv[4] == "dihedral"

class Files(Dataset):
    paths = sorted(Path(sys.argv[2]).iterdir())[:: int(sys.argv[3])]
    def __len__(self):
        return len(self.paths)
    def __getitem__(self, number):
        image = Image.open(self.paths[number]).convert("RGB")
        edge = min(image.size)
        left, top = (image.width - edge) // 2, (image.height - edge) // 2
        square = image.crop((left, top, left + edge, top + edge)).resize((side, side), Image.Resampling.BILINEAR)
        return np.asarray(square)

for batch in DataLoader(Files(), batch_size=32, num_workers=len(os.sched_getaffinity(0))):
    views = [batch.numpy()]
    if dihedral:
        views = [np.rot90(one, turns, (1, 2)) for one in (views[0], views[0][:, :, ::-1]) for turns in range(4)]
    np.mean([session.run(["probabilities"], {"square": np.ascontiguousarray(one)})[0] for one in views], axis=0)
"""


class Taken(NamedTuple):
    """What one way took for the whole folder."""

    elapsed: float
    """Seconds of its turns."""
    processor: float
    """Seconds, with those of its children."""
    peak: float
    """MB of its largest process."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[2000])
    parser.add_argument("--distinct", type=int, default=100)
    parser.add_argument("--photographs", type=Path, help="a folder of images that are enlarged; without, phantoms")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tta", choices=("none", "dihedral"), default="dihedral")
    parser.add_argument("--others-each", type=int, default=1, help="all but predict take every so many images")
    parser.add_argument("--turn", type=float, default=10, help="seconds of one turn")
    parser.add_argument("--folder", type=Path, help="where the images are written; by default a temporary folder")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that nothing stays suspended
    for count in chosen.images:
        with tempfile.TemporaryDirectory(dir=chosen.folder) as place:
            images = Path(place) / "images"
            images.mkdir()
            size = write_images(images, count, chosen.distinct, chosen.photographs)
            print(f"{count} images, {chosen.distinct} of them distinct, {size / 1000:.0f} kB each", flush=True)
            rounds = [
                one_round(images, Path(place), chosen.tta, chosen.turn, chosen.others_each)
                for _ in range(chosen.rounds)
            ]
        report(rounds, count)


def one_round(images: Path, place: Path, tta: str, turn: float, each: int) -> dict[str, Taken]:
    """Let each way go through a folder of images once."""
    shipped = find_model("pretrained")
    assert shipped is not None
    arguments, out = [str(shipped.onnx), str(images)], place / "predictions.csv"
    out.unlink(missing_ok=True)
    ways = {
        "decoding alone": ["-c", DECODING, *arguments, str(each), tta],
        "network alone": ["-c", NETWORK, *arguments, str(each), tta],
        "plain loop": ["-c", PLAIN, *arguments, str(each), tta],
        "attnmel predict": ["-m", "attnmel", "predict", *arguments, "--tta", tta, "--out", str(out)],
    }
    found = in_turns(ways, turn, out.with_name(f"{out.name}.part"))
    rows = [line for line in out.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert len(rows) == len(list(images.iterdir())) + 1
    ours = found["attnmel predict"]
    return {name: Taken(one.elapsed * each, one.processor * each, one.peak) for name, one in found.items()} | {
        "attnmel predict": ours
    }


def in_turns(ways: dict[str, list[str]], turn: float, part: Path) -> dict[str, Taken]:
    """Run commands of Python together, each in turn while the others are suspended; print how many results are in."""
    running = {name: started(command) for name, command in ways.items()}
    elapsed, found = dict.fromkeys(running, 0.0), {}
    try:
        while running:
            for name, process in list(running.items()):
                begin = time.perf_counter()
                os.killpg(process.pid, signal.SIGCONT)
                ended = waited(process.pid, begin + turn)
                if ended is None:
                    os.killpg(process.pid, signal.SIGSTOP)
                elapsed[name] += time.perf_counter() - begin
                if ended is not None:
                    status, used = ended
                    if status:
                        raise SystemExit(f"{name} failed: {status}")
                    found[name] = Taken(elapsed[name], used.ru_utime + used.ru_stime, used.ru_maxrss / 1000)
                    del running[name]
                elif name == "attnmel predict" and part.is_file():
                    done = part.read_bytes().count(b"\n") - 1
                    print(f"  {name}: {done} results in {elapsed[name]:.0f} s", flush=True)
    finally:
        for process in running.values():
            os.killpg(process.pid, signal.SIGKILL)
    return found


def started(command: list[str]) -> "subprocess.Popen[bytes]":
    """Start a command of Python in a group of processes of its own, and suspend it."""
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, start_new_session=True)
    os.killpg(process.pid, signal.SIGSTOP)
    return process


def waited(process: int, until: float) -> "tuple[int, resource.struct_rusage] | None":
    """Return the status of a process that ends in time, and what it and its children used; None if it does not."""
    while time.perf_counter() < until:
        ended, status, used = os.wait4(process, os.WNOHANG)
        if ended:
            return status, used
        time.sleep(0.01)
    return None


def report(rounds: list[dict[str, Taken]], images: int) -> None:
    """Print medians, and ratios of one round."""
    print(f"load {os.getloadavg()[0]:.1f}")
    for kind in ("elapsed", "processor"):
        seconds = {name: [getattr(one[name], kind) for one in rounds] for name in rounds[0]}
        for name, some in seconds.items():
            middle = statistics.median(some)
            print(f"{name:16} {middle:7.1f} s {kind}, {images / middle:6.1f} images a second")
        ours = seconds["attnmel predict"]
        bounds = map(sum, zip(seconds["decoding alone"], seconds["network alone"], strict=True))
        of_bound, of_plain = (ratios(some, ours) for some in (bounds, seconds["plain loop"]))
        print(f"  of the bound: {of_bound}, wanted {WANTED}; times the plain loop's rate: {of_plain}")
    peaks = (f"{name} {max(one[name].peak for one in rounds):.0f}" for name in rounds[0])
    print(f"  peak, MB, of one process: {', '.join(peaks)}", flush=True)


def ratios(some: Iterable[float], others: Iterable[float]) -> str:
    """Return the median ratio, with the smallest and the largest."""
    found = sorted(one / other for one, other in zip(some, others, strict=True))
    return f"{statistics.median(found):.2f} ({found[0]:.2f} to {found[-1]:.2f})"


def write_images(folder: Path, count: int, distinct: int, photographs: Path | None) -> float:
    """Write JPEG files, the first `distinct` different ones and the others links to them; return their mean bytes."""
    found = sorted(photographs.iterdir())[:distinct] if photographs else []
    for number in range(distinct):
        image = enlarged(found[number]) if found else phantom(number)
        image.save(folder / f"{number:06}.jpg", quality=QUALITY)
    for number in range(distinct, count):
        (folder / f"{number:06}.jpg").hardlink_to(folder / f"{number % distinct:06}.jpg")
    return statistics.mean(path.stat().st_size for path in folder.iterdir())


def phantom(number: int) -> Image.Image:
    """Draw a phantom."""
    return Image.fromarray(draw_phantom(0, number, height=HEIGHT, width=WIDTH).image)


def enlarged(photograph: Path) -> Image.Image:
    """Cut the middle of a photograph and enlarge it."""
    with Image.open(photograph) as image:
        return ImageOps.fit(image.convert("RGB"), (WIDTH, HEIGHT), Image.Resampling.BICUBIC)


if __name__ == "__main__":
    main()
