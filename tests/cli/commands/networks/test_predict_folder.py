"""A folder of any size through `attnmel predict` and an exported file: stopped, resumed, flat in memory, no torch."""

import csv
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.copies import slow_predictions, start_command, wait_until
from tests.factories import run_fresh

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms

MEGABYTES = 1 << 20
MANY = 100
SLOW = slow_predictions(30, 0.1)
"""So many images, of which all but the first take so long that a prediction is still at work when a test stops it."""


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


def test_a_killed_prediction_goes_on_where_it_was(
    attnmel: "Attnmel", exported: Path, images: list[Path], tmp_path: Path
) -> None:
    folder = many(images, tmp_path / "folder", MANY)
    out, part = tmp_path / "out.csv", tmp_path / "out.csv.part"
    with start_command("predict", exported, folder, "--out", out, before=SLOW) as running:
        wait_until(lambda: part.is_file() and part.read_bytes().count(b"\n") > 20, running)
        running.send_signal(signal.SIGKILL)
        running.communicate()
    kept = part.read_bytes().count(b"\n") - 1
    assert 20 <= kept < MANY, "killed in the middle"
    assert not out.exists()
    ran = attnmel("predict", exported, folder, "--out", out)
    assert ran.code == 1
    assert f"{part} contains the results of a stopped prediction; continue it by --resume" in ran.err
    ran = attnmel("predict", exported, folder, "--out", out, "--resume", "--json")
    assert ran.code == 1
    assert f"1 of {MANY} images could not be used; the others are done:\n  000003.jpg is truncated" in ran.err
    resumed = out.read_bytes()
    attnmel("predict", exported, folder, "--out", out, "--json")
    assert resumed == out.read_bytes()
    assert not part.exists()


def test_ctrl_c_keeps_the_answers_and_says_how_to_go_on(exported: Path, images: list[Path], tmp_path: Path) -> None:
    folder = many(images, tmp_path / "folder", MANY)
    part = tmp_path / "out.csv.part"
    with start_command("predict", exported, folder, "--out", tmp_path / "out.csv", before=SLOW) as running:
        wait_until(lambda: part.is_file() and part.read_bytes().count(b"\n") > 20, running)
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "`predict --resume`" in told
    assert part.read_bytes().count(b"\n") > 20


@pytest.mark.slow
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
sys.argv = {["attnmel", "predict", str(exported), str(folder), "--out", str(out)]!r}
try:
    main()
except SystemExit:
    pass
print(1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]))
"""
        highest.append(int(run_fresh(code).splitlines()[-1]))
        with out.open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert [Path(row["image"]) for row in rows] == sorted(folder.iterdir())
        assert [row["error"] != "" for row in rows] == [place == 3 for place in range(number)]
    assert highest[1] - highest[0] < 12 * MEGABYTES, "names alone; 1,800 prepared images would be 7 MB at this size"


def test_rows_come_out_while_the_others_are_predicted(
    exported: Path, images: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = many(images, tmp_path / "folder", MANY)
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    with start_command("predict", exported, folder, before=SLOW) as running:
        head = [running.stdout.readline() for _ in range(8)]
        assert running.poll() is None
        running.kill()
        running.communicate()
    assert head[1].startswith(str(folder / "000000.jpg"))


def test_what_cannot_be_asked_for_is_told(attnmel: "Attnmel", exported: Path, images: list[Path]) -> None:
    ran = attnmel("predict", exported, images[0], "--resume")
    assert (ran.code, "--resume continues the file of --out" in ran.err) == (1, True)
    ran = attnmel("predict", exported, images[0], "--batch", "4")
    assert (ran.code, "leave out --batch" in ran.err) == (1, True)
    ran = attnmel("predict", exported, images[0], "--precision", "int8")
    assert (ran.code, "'int8' is not one of 'float32', 'bf16'" in ran.err) == (2, True)
    ran = attnmel("predict", "nowhere.onnx", images[0])
    assert (ran.code, "error: no checkpoint at nowhere.onnx" in ran.err) == (1, True)
