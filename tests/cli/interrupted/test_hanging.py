"""A prediction ends even if a library never returns, with or without Python's global lock."""

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.copies import Copy, slow_predictions, start_command, wait_until

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are ended by signals")

STARTS = 200
"""Fresh processes, by the issue: 7 of 40 and 3 of 35 hung on two cores before."""

HANGS = textwrap.dedent("""
    import ctypes, threading
    from attnmel.deploy.openvino import Compiled

    run, passes, lock = Compiled.run, [0], threading.Lock()

    def hang(self, square):
        with lock:
            passes[0] += 1
            number = passes[0]
        if number == 6:
            ctypes.{library}(None).sleep(1000)
        return run(self, square)

    Compiled.run = hang
""")
"""`ctypes.CDLL` lets go of Python's lock during a call, and `ctypes.PyDLL` keeps it."""

AT_ONCE = textwrap.dedent("""
    import sys, threading
    import numpy as np
    from attnmel import Predictor

    square = np.zeros((32, 32, 3), np.uint8)
    predictors = [Predictor(sys.argv[1], threads=2) for _ in range(2)]
    go = threading.Barrier(4)

    def one(place):
        go.wait()
        if place < 2:
            print(predictors[place].predict(square).probabilities)
        else:
            print([found.error for found in predictors[place - 2].predict_many(sys.argv[2:])])

    threads = [threading.Thread(target=one, args=(place,)) for place in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
""")
"""Two predictors, each asked for one image and for several by threads that begin at one moment."""


@pytest.fixture(scope="module")
def folder(phantoms: "Phantoms") -> Path:
    return next((phantoms.home / "data").rglob("*Test_v2_Data"))


def hanging(library: str, exported: Path, folder: Path, *more: str) -> Copy:
    return start_command("predict", exported, folder, *more, before=HANGS.format(library=library))


@pytest.mark.parametrize(("library", "code"), [("CDLL", 1), ("PyDLL", -signal.SIGKILL)])
def test_a_hanging_library_ends_a_folder_s_prediction_with_one_sentence(
    library: str, code: int, attnmel: "Attnmel", exported: Path, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    with hanging(library, exported, folder, "--out", str(out), "--stall-limit", "3") as process:
        _, told = process.communicate(timeout=200)
    assert process.returncode == code
    *notes, sentence = told.splitlines()
    assert all(note.startswith("left out of ") for note in notes)
    assert sentence.startswith("error: no result came for 3 seconds")
    assert "--stall-limit SECONDS sets a longer limit" in sentence.replace(" (stall_limit in Python)", "")
    assert not out.exists()
    kept = (tmp_path / "out.csv.part").read_bytes().count(b"\n") - 1
    assert 0 <= kept < 12
    assert attnmel("predict", exported, folder, "--out", out, "--resume").code == 0
    assert len(out.read_text().splitlines()) == 1 + 12


@pytest.mark.parametrize(
    ("library", "code", "presses"),
    [
        ("CDLL", 130, 1),
        pytest.param("PyDLL", -signal.SIGKILL, 1, marks=pytest.mark.slow),
        pytest.param("CDLL", 130, 2, marks=pytest.mark.slow),
        pytest.param("PyDLL", -signal.SIGKILL, 2, marks=pytest.mark.slow),
    ],
)
def test_ctrl_c_ends_a_prediction_whose_library_hangs(
    library: str, code: int, presses: int, exported: Path, folder: Path, tmp_path: Path
) -> None:
    part = tmp_path / "out.csv.part"
    with hanging(library, exported, folder, "--out", str(tmp_path / "out.csv")) as process:
        size, since = -1, time.monotonic()
        while process.poll() is None and (size < 0 or time.monotonic() - since < 2):
            if part.exists() and part.stat().st_size != size:
                size, since = part.stat().st_size, time.monotonic()
            time.sleep(0.05)
        assert process.poll() is None, "it hangs"
        pressed = time.monotonic()
        for _ in range(presses):
            process.send_signal(signal.SIGINT)
            time.sleep(0.2)
        _, told = process.communicate(timeout=60)
    assert time.monotonic() - pressed < 40
    assert process.returncode in ((code,) if presses == 1 else (code, -signal.SIGKILL))
    assert "error: stopped" in told
    assert "`predict --resume`" in told
    assert "Traceback" not in told


def test_a_halted_prediction_is_not_taken_for_a_hanging_one(exported: Path, folder: Path, tmp_path: Path) -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("only Linux says that a process is halted")
    command = ("predict", exported, folder, "--out", tmp_path / "o.csv", "--stall-limit", "1")
    with start_command(*command, before=slow_predictions(2, 0.1)) as process:
        wait_until((tmp_path / "o.csv.part").exists, process)
        process.send_signal(signal.SIGSTOP)
        time.sleep(4)
        process.send_signal(signal.SIGCONT)
        _, told = process.communicate(timeout=200)
    assert process.returncode == 0, told


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(7200)
def test_no_fresh_process_stands_still_at_the_first_call_of_several_threads(
    exported: Path, folder: Path, tmp_path: Path
) -> None:
    """Every start is a process of its own: what hangs, hangs at a process's first call alone."""
    images = [str(path) for path in sorted(folder.glob("*.jpg"))[:8]]
    for _ in range(STARTS // 2):
        told = subprocess.run(
            [sys.executable, "-c", AT_ONCE, str(exported), *images], capture_output=True, text=True, timeout=120
        )
        assert told.returncode == 0, told.stderr
        assert len(told.stdout.splitlines()) == 4
        command = [sys.executable, "-m", "attnmel", "predict", str(exported), str(folder)]
        found = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert found.returncode == 0, found.stderr
