"""The JSON API against `attnmel.Predictor` and `attnmel predict` on the same images, in turn, in one run.

    python benchmarks/prediction/serve.py [--images 50] [--rounds 9] [--folder FOLDER] [--model pretrained]

The server is a process of its own on loopback, as a user starts it; requests come from threads of this one, on the same
processors. Without a folder, phantoms of 1024 x 768 pixels as JPEG files. Wanted: one answer at most
1.3 times what Predictor takes for that image, plus 10 ms; 50 requests at once all answered; images a second at least
0.9 of those of `attnmel predict FOLDER`, both without their start. Processor time is shown too, since it hardly depends
on what else the machine does.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from PIL import Image

from attnmel import Predictor
from attnmel.data.phantoms import draw_phantom
from attnmel.pipeline.predict.image_files import image_files
from attnmel.pipeline.predict.predict import predict_images
from attnmel.pretrained.catalogue import find_model

HEIGHT, WIDTH = 768, 1024
TIMES, MORE_SECONDS, THROUGHPUT, AT_ONCE, TOGETHER = 1.3, 0.010, 0.9, 50, 16


class Served(NamedTuple):
    """Where a server is, and its process."""

    address: str
    process: int

    def processor_seconds(self) -> float:
        """Return the processor time that it has used; 0 where the system does not say it."""
        stat = Path(f"/proc/{self.process}/stat")
        if not stat.is_file():
            return 0.0
        user, system = stat.read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def server(model: str) -> Iterator[Served]:
    """Start `attnmel serve` on a free port."""
    command = [sys.executable, "-m", "attnmel", "serve", model, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield Served(urlsplit(process.stdout.readline().strip()).netloc, process.pid)
        finally:
            process.terminate()


class Client:
    """One connection, kept between requests as by a browser."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=300)

    def ask(self, *paths: Path) -> list[dict[str, object]]:
        """Send files in one request; return the rows of its answer."""
        body = b""
        for path in paths:
            head = f'--x\r\nContent-Disposition: form-data; name="images"; filename="{path.name}"\r\n\r\n'
            body += head.encode() + path.read_bytes() + b"\r\n"
        body += b"--x--\r\n"
        kind = {"content-type": "multipart/form-data; boundary=x"}
        self._connection.request("POST", "/api/predict", body, kind)
        answer = self._connection.getresponse()
        found = json.loads(answer.read())
        if answer.status != 200:
            raise SystemExit(f"{answer.status}: {found['error']}")
        return found["models"][0]["images"]


def seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def all_at_once(address: str, paths: list[Path]) -> None:
    """Send every file at the same time, and check that each gets its own answer."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        check([row for rows in pool.map(lambda path: Client(address).ask(path), paths) for row in rows], paths)


def in_parts(address: str, paths: list[Path]) -> None:
    """Send the files in requests of `TOGETHER`, two at a time."""
    parts = [paths[start : start + TOGETHER] for start in range(0, len(paths), TOGETHER)]
    with ThreadPoolExecutor(2) as pool:
        check([row for rows in pool.map(lambda part: Client(address).ask(*part), parts) for row in rows], paths)


def check(rows: list[dict[str, object]], paths: list[Path]) -> None:
    """Refuse answers that are not those of the images, in their order."""
    if [row["image"] for row in rows] != [path.name for path in paths]:
        raise SystemExit("the answers are not those of the images")


def main() -> None:
    """Measure in turn, and print medians and ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=AT_ONCE)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--model", default="pretrained")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as made, server(chosen.model) as served:
        paths = image_files([chosen.folder or phantoms(Path(made), chosen.images)])[: chosen.images]
        report_single(served.address, paths, chosen.model, chosen.rounds)
        report_many(served, paths, chosen.model, chosen.rounds)


def phantoms(folder: Path, count: int) -> Path:
    """Write synthetic photographs."""
    for number in range(count):
        image = Image.fromarray(draw_phantom(0, number, height=HEIGHT, width=WIDTH).image)
        image.save(folder / f"{number:04}.jpg", quality=90)
    return folder


def report_single(address: str, paths: list[Path], model: str, rounds: int) -> None:
    """Time one answer against Predictor on the same file."""
    predictor, client = Predictor(model), Client(address)
    own, served = [], []
    for path in [*paths[:3], *(paths * rounds)[: 10 * rounds]]:
        own.append(seconds(lambda path=path: predictor.predict(path)))
        served.append(seconds(lambda path=path: client.ask(path)))
    alone, answer = statistics.median(own[3:]), statistics.median(served[3:])
    allowed = TIMES * alone + MORE_SECONDS
    print(f"one image: Predictor {1e3 * alone:.1f} ms, answer {1e3 * answer:.1f} ms, {answer / alone:.2f} times")
    print(f"  answer / (1.3 x Predictor + 10 ms): {answer / allowed:.2f}, wanted at most 1")


def report_many(served: Served, paths: list[Path], model: str, rounds: int) -> None:
    """Time all images at once, and in parts, against `attnmel predict` on the folder, without either's start."""
    shipped = find_model(model)
    file = shipped.onnx if shipped else Path(model)
    results = predict_images(file, paths)  # predicts anew each time that it is read
    works: dict[str, Callable[[], object]] = {
        "predict": lambda: list(results),
        f"{len(paths)} requests at once": lambda: all_at_once(served.address, paths),
        f"requests of {TOGETHER} images": lambda: in_parts(served.address, paths),
    }
    walls: dict[str, list[float]] = {name: [] for name in works}
    processor: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            before = time.process_time(), served.processor_seconds()
            wall = seconds(work)
            if number:  # the first one warms both
                walls[name].append(wall)
                processor[name].append((time.process_time() - before[0], served.processor_seconds() - before[1]))
    per_image = 1e3 / len(paths)
    for name in works:
        ratios = sorted(first / own for first, own in zip(walls["predict"], walls[name], strict=True))
        here, there = (per_image * statistics.median(one[place] for one in processor[name]) for place in (0, 1))
        print(f"{name}: {len(paths) / statistics.median(walls[name]):.1f} images/s")
        print(f"  ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}), wanted {THROUGHPUT}")
        print(f"  processor time an image: {here:.1f} ms here, {there:.1f} ms in the server")


if __name__ == "__main__":
    main()
