"""A folder of any size through `attnmel predict` and an exported file: stopped, resumed, flat in memory, no torch."""

import csv
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms

MEGABYTES = 1 << 20


@pytest.fixture(scope="module")
def images(phantoms: "Phantoms") -> list[Path]:
    return sorted((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))


def many(images: list[Path], folder: Path, number: int) -> Path:
    """Fill a folder with images under many names; one of them is broken."""
    folder.mkdir()
    for place in range(number):
        (folder / f"{place:06}.jpg").hardlink_to(images[place % len(images)])
    (folder / "000003.jpg").unlink()
    (folder / "000003.jpg").write_bytes(images[0].read_bytes()[:200])
    return folder


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "attnmel", "predict", *map(str, arguments)]


def test_a_killed_prediction_goes_on_where_it_was(
    attnmel: "Attnmel", exported: Path, images: list[Path], tmp_path: Path
) -> None:
    folder = many(images, tmp_path / "folder", 2000)
    out, part = tmp_path / "out.csv", tmp_path / "out.csv.part"
    running = subprocess.Popen(command(exported, folder, "--out", out), stderr=subprocess.DEVNULL)
    while running.poll() is None and not (part.is_file() and part.read_bytes().count(b"\n") > 100):
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    kept = part.read_bytes().count(b"\n") - 1
    assert 100 <= kept < 2000, "killed in the middle"
    assert not out.exists()
    ran = attnmel("predict", exported, folder, "--out", out)
    assert ran.code == 1
    assert f"{part} contains the results of a stopped prediction; continue it by --resume" in ran.err
    ran = attnmel("predict", exported, folder, "--out", out, "--resume", "--json")
    assert ran.code == 1
    assert "1 of 2000 images could not be used; the others are done:\n  000003.jpg is truncated" in ran.err
    resumed = out.read_bytes()
    attnmel("predict", exported, folder, "--out", out, "--json")
    assert resumed == out.read_bytes()
    assert not part.exists()


def test_ctrl_c_keeps_the_answers_and_says_how_to_go_on(exported: Path, images: list[Path], tmp_path: Path) -> None:
    folder = many(images, tmp_path / "folder", 2000)
    part = tmp_path / "out.csv.part"
    # A test run started in the background of a shell ignores SIGINT, and its children would too.
    listen = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    running = subprocess.Popen(
        command(exported, folder, "--out", tmp_path / "out.csv"), stderr=subprocess.PIPE, text=True, preexec_fn=listen
    )
    while running.poll() is None and not (part.is_file() and part.read_bytes().count(b"\n") > 20):
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "`predict --resume`" in told
    assert part.read_bytes().count(b"\n") > 20


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process's own highest memory")
def test_memory_does_not_grow_with_the_folder(exported: Path, images: list[Path], tmp_path: Path) -> None:
    """Highest resident memory of a whole command; `ru_maxrss` would begin with that of the tests, which is higher."""
    highest = []
    for number in (200, 2000):
        folder = many(images, tmp_path / f"{number}", number)
        out = tmp_path / f"{number}.csv"
        code = f"""
import re, sys
from pathlib import Path
from attnmel.cli import main
sys.argv = {command(exported, folder, "--out", out)[2:]!r}
try:
    main()
except SystemExit:
    pass
print(1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]))
"""
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        highest.append(int(ran.stdout.splitlines()[-1]))
        with out.open(newline="") as file:
            rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
        assert [Path(row["image"]) for row in rows] == sorted(folder.iterdir())
        assert [row["error"] != "" for row in rows] == [place == 3 for place in range(number)]
    assert highest[1] - highest[0] < 12 * MEGABYTES, "names alone; 1,800 prepared images would be 7 MB at this size"


def test_predicting_with_an_exported_file_loads_nothing_heavy(exported: Path, images: list[Path]) -> None:
    heavy = (
        "torch", "scipy", "pandas", "matplotlib", "sklearn", "lightning_fabric", "safetensors", "onnx", "onnxruntime",
        "rich.progress", "openvino_telemetry", "attnmel.training", "attnmel.runtime",
    )  # fmt: skip
    code = f"""
import sys
from attnmel.cli import main
sys.argv = {command(exported, images[0])[2:]!r}
try:
    main()
except SystemExit:
    pass
print([name for name in {heavy} if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"
    assert ran.stdout.splitlines()[-2].startswith(f"{images[0]},0.")


def test_rows_come_out_while_the_others_are_predicted(exported: Path, images: list[Path], tmp_path: Path) -> None:
    folder = many(images, tmp_path / "folder", 2000)
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    running = subprocess.Popen(
        command(exported, folder), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    assert running.stdout is not None
    head = [running.stdout.readline() for _ in range(8)]
    assert running.poll() is None
    assert head[4].startswith(str(folder / "000000.jpg"))
    running.kill()
    running.communicate()


def test_what_cannot_be_asked_for_is_told(attnmel: "Attnmel", exported: Path, images: list[Path]) -> None:
    ran = attnmel("predict", exported, images[0], "--resume")
    assert (ran.code, "--resume continues the file of --out" in ran.err) == (1, True)
    ran = attnmel("predict", exported, images[0], "--batch", "4")
    assert (ran.code, "leave out --batch" in ran.err) == (1, True)
    ran = attnmel("predict", exported, images[0], "--precision", "int8")
    assert (ran.code, "'int8' is not one of 'float32', 'bf16'" in ran.err) == (2, True)
    ran = attnmel("predict", "nowhere.onnx", images[0])
    assert (ran.code, "error: no file nowhere.onnx" in ran.err) == (1, True)
