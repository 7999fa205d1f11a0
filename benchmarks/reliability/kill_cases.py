"""The commands that `kill.py` kills: what each starts from, how it is called, and what it has to leave."""

import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from attnmel.data.phantoms import write_mirror

COUNTS = {"train": 24, "validation": 10, "test": 12}
SETTINGS = {
    "data.size": 32, "model.width": 0.05, "training.batch": 8, "training.precision": "float32",
    "training.device": "cpu", "training.epochs": 3,
}  # fmt: skip
UNET = {
    "data.dataset": "phantoms", "data.size": 32, "data.held_out": 0.25, "model.channels": "[4,8,16]",
    "training.epochs": 3, "training.batch": 6, "training.precision": "float32", "training.device": "cpu",
}  # fmt: skip


def settings(values: dict[str, Any], **more: object) -> list[str]:
    """Give settings as options; a double underscore is the dot of a name."""
    own = {**values, **{name.replace("__", "."): value for name, value in more.items()}}
    return [part for name, value in own.items() for part in ("--set", f"{name}={value}")]


@dataclass(frozen=True)
class Case:
    """A command to kill."""

    name: str
    arguments: Callable[[Path], Sequence[str]]
    """From the folder of a round."""
    starts_from: tuple[str, ...] = ()
    """What of the base is copied into that folder."""
    most_kills: int = 8
    """Of one round, before the command is left alone."""


def cases(address: str) -> dict[str, Case]:
    """Give all commands; `address` is that of the local server with the archives."""

    def train(place: Path, **more: object) -> list[str]:
        values = settings(SETTINGS, **more)
        return ["train", "demo", "--resume", "--home", f"{place}/home", "--out", f"{place}/runs", *values]

    def reproduce(place: Path) -> list[str]:
        values = settings(SETTINGS, data__dataset="phantoms", model__weights="random", training__epochs=1)
        home = f"{place}/home"
        return ["reproduce", "isic2017", "--rows", "mel-cnn", "--home", home, "--out", f"{place}/table", *values]

    def segment(place: Path) -> list[str]:
        out = f"{place}/segmenter"
        return ["segment", "train", "--resume", "--home", f"{place}/home", "--out", out, *settings(UNET)]

    all_of_them = (
        Case("fetch", lambda at: ["fetch", "phantoms", "--mirror", address, "--home", f"{at}/home"]),
        Case(
            "cache",
            lambda at: ["statistics", "demo", "--set", "data.size=32", "--home", f"{at}/home", "--json"],
            ("data",),
        ),
        Case("train", train, ("home",)),
        Case("train-2", partial(train, training__devices=2), ("home",), most_kills=4),
        Case("segment-train", segment, ("home",)),
        Case(
            "segment-predict",
            lambda at: ["segment", "predict", f"{at}/segmenter", "phantoms", "--home", f"{at}/home"],
            ("home", "segmenter"),
        ),
        Case("reproduce", reproduce, ("home",), most_kills=4),
        Case("export", lambda at: ["export", f"{at}/run", "--onnx", "--out", f"{at}/model.onnx"], ("run",)),
        Case(
            "predict",
            lambda at: [
                *("predict", f"{at}/model.onnx", f"{at}/images", "--resume"),
                *("--out", f"{at}/answers.csv", "--maps", f"{at}/maps"),
            ],
            ("model.onnx", "images"),
        ),
        Case(
            "fuse",
            lambda at: ["fuse", f"{at}/run", f"{at}/other", "--home", f"{at}/home", "--out", f"{at}/fused"],
            ("home", "run", "other"),
        ),
    )
    return {one.name: one for one in all_of_them}


def linked(source: Path, target: Path) -> None:
    """Copy a file or folder by hard links: the program replaces files and never writes into one that is there."""
    if source.is_dir():
        shutil.copytree(source, target, copy_function=lambda one, other: Path(other).hardlink_to(one))
    else:
        target.hardlink_to(source)


def make_base(base: Path, run: Callable[[Sequence[str]], None]) -> None:
    """Make what the commands start from, once: phantoms, a home, two runs, an exported network, a segmenter, images."""
    if (base / "whole").exists():
        return
    shutil.rmtree(base, ignore_errors=True)
    mirror = base / "mirror"
    mirror.mkdir(parents=True)
    write_mirror(mirror, seed=0, counts=COUNTS, melanoma_share=0.4, height=90, width=120, workers=1)
    home = base / "home"
    run(["fetch", "phantoms", "--mirror", mirror.as_uri(), "--home", str(home)])
    (base / "data").mkdir()
    linked(home, base / "data" / "home")
    for seed, name in enumerate(("run", "other")):
        options = ["--home", str(home), "--out", str(base / "runs")]
        run(["train", "demo", *options, *settings(SETTINGS, training__seed=seed)])
        (base / "runs" / "demo" / f"seed-{seed}").rename(base / name)
    run(["export", str(base / "run"), "--onnx", "--out", str(base / "model.onnx")])
    run(["segment", "train", "--home", str(home), "--out", str(base / "segmenter"), *settings(UNET)])
    (base / "images").mkdir()
    for path in home.rglob("*Data/*.jpg"):
        (base / "images" / path.name).hardlink_to(path)
    (base / "whole").touch()


class _Slow(SimpleHTTPRequestHandler):
    """A server of files that answers ranges, in small pieces, so that a kill falls into a transfer."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path = Path(self.directory) / self.path.lstrip("/")
        if not path.is_file():
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        content, asked = path.read_bytes(), self.headers["Range"]
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        self.send_response(HTTPStatus.PARTIAL_CONTENT if asked else HTTPStatus.OK)
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("ETag", f'"{len(content)}"')
        self.end_headers()
        try:
            for at in range(start, len(content), 16384):
                self.wfile.write(content[at : at + 16384])
                time.sleep(0.002)
        except OSError:
            pass  # the client was killed


def _serve(folder: str, says: Any) -> None:  # noqa: ANN401 - one end of a pipe
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Slow, directory=folder))
    says.send(server.server_port)
    threading.Thread(target=server.serve_forever).start()


def serve(folder: Path) -> str:
    """Serve a folder from a process of its own, until this one ends; return its address."""
    here, there = get_context("spawn").Pipe()
    get_context("spawn").Process(target=_serve, args=(str(folder), there), daemon=True).start()
    return f"http://127.0.0.1:{here.recv()}/"
