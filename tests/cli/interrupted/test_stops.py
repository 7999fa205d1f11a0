"""A full disk or Ctrl-C through the command line: the exit code, nothing half-written, and the same end afterwards."""

import errno
import http.server
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from tests.copies import start_command, wait_until

from attnmel.files.folders import RunFolder

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms

IMAGES = "ISIC-2017_Training_Data"


Find = Callable[..., list[Path]]
Settings = Callable[..., list[str]]


KEPT = "stopped. What was finished is kept"


def stopping(real: Callable[..., object], call: int, error: BaseException) -> Callable[..., object]:
    """A function that raises at its `call`-th call and is the real one otherwise."""
    calls = iter(range(1, sys.maxsize))

    def instead(*arguments: object, **named: object) -> object:
        if next(calls) == call:
            raise error
        return real(*arguments, **named)

    return instead


def full() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def slow(*case: object) -> object:
    return pytest.param(*case, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("place", "call", "error", "code", "message"),
    [
        slow("attnmel.models.weights.safetensors_io.save_file", 1, full(), 1, "cannot write .*last.safetensors"),
        ("attnmel.models.weights.safetensors_io.save_file", 4, full(), 1, "what was there before is kept"),
        slow("attnmel.pipeline.train.epochs.write_history", 2, full(), 1, "the disk is full"),
        slow("attnmel.pipeline.run.training.loggers.write_events", 1, KeyboardInterrupt(), 130, KEPT),
        slow("attnmel.pipeline.train.epochs.write_training_state", 3, KeyboardInterrupt(), 130, KEPT),
        ("attnmel.training.loop._step", 5, KeyboardInterrupt(), 130, "`train --resume` after the last finished epoch"),
    ],
)
def test_a_stopped_training_ends_as_one_that_was_not(
    place: str,
    call: int,
    error: BaseException,
    code: int,
    message: str,
    attnmel: "Attnmel",
    monkeypatch: pytest.MonkeyPatch,
    phantoms: "Phantoms",
    trained: RunFolder,
    tmp_path: Path,
    settings: Settings,
    left_behind: Find,
) -> None:
    module, _, name = place.rpartition(".")
    command = ["train", "demo", "--home", phantoms.home, "--out", tmp_path, "--resume"]
    command += settings("training.epochs=3")
    with monkeypatch.context() as patched:
        patched.setattr(place, stopping(getattr(sys.modules[module], name), call, error))
        ran = attnmel(*command)
    assert ran.code == code
    assert all(part in ran.err for part in message.split(".*")), ran.err
    assert not left_behind(tmp_path)
    assert attnmel(*command).code == 0
    run = RunFolder(tmp_path / "demo" / "seed-0")
    assert run.predictions("test").read_text() == trained.predictions("test").read_text()


@pytest.mark.parametrize(("error", "code"), [(full(), 1), (KeyboardInterrupt(), 130)])
@pytest.mark.parametrize(
    "place",
    [
        "attnmel.data.preprocess.cache_build.prepared_row",
        "attnmel.data.preprocess.array_file.write_rows",
        "shutil.copyfileobj",
    ],
)
def test_a_stopped_fetch_or_cache_is_never_taken_for_a_whole_one(
    place: str,
    error: BaseException,
    code: int,
    attnmel: "Attnmel",
    monkeypatch: pytest.MonkeyPatch,
    phantoms: "Phantoms",
    tmp_path: Path,
    left_behind: Find,
) -> None:
    module, _, name = place.rpartition(".")
    fetch = ("fetch", "phantoms", "--mirror", phantoms.mirror, "--home", tmp_path)
    prepare = ("statistics", "demo", "--set", "data.size=32", "--home", tmp_path, "--json")
    with monkeypatch.context() as patched:
        patched.setattr(place, stopping(getattr(sys.modules[module], name), 30 if name != "write_rows" else 1, error))
        codes = [attnmel(*fetch).code, attnmel(*prepare).code]
    assert code in codes
    assert not left_behind(tmp_path)
    assert not list(tmp_path.glob("cache/*/pixels.bin"))
    assert [attnmel(*fetch).code, attnmel(*prepare).code] == [0, 0]


def test_predictions_that_do_not_fit_the_disk_leave_no_file(
    attnmel: "Attnmel", monkeypatch: pytest.MonkeyPatch, phantoms: "Phantoms", trained: RunFolder, tmp_path: Path
) -> None:
    image = next((phantoms.home / "data").rglob("*Test*Data/*.jpg"))
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", stopping(Path.write_text, 1, full()))
        ran = attnmel("predict", trained.path, image, "--out", tmp_path / "answers.csv")
    assert ran.code == 1
    assert f"the disk is full: cannot write {tmp_path / 'answers.csv.part'}. Free some space" in ran.err
    assert not list(tmp_path.iterdir())


class _Slow(http.server.BaseHTTPRequestHandler):
    """A mirror that holds back the end of the training images until it is told not to."""

    folder: Path
    go_on: threading.Event

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        content = (self.folder / self.path.lstrip("/")).read_bytes()
        start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-")) if self.headers["Range"] else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("ETag", "one")
        self.end_headers()
        half = len(content) // 2 if IMAGES in self.path and not start else len(content)
        self.wfile.write(content[start:half])
        if half < len(content):
            self.go_on.wait(60)


@pytest.fixture
def slow_mirror(phantoms: "Phantoms") -> Iterator[str]:
    _Slow.folder, _Slow.go_on = Path(urlsplit(phantoms.mirror).path), threading.Event()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Slow)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    _Slow.go_on.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.skipif(os.name == "nt", reason="a process is interrupted by a signal")
def test_ctrl_c_during_a_download_exits_with_130_and_the_next_fetch_goes_on(
    attnmel: "Attnmel", slow_mirror: str, tmp_path: Path
) -> None:
    command = ("fetch", "phantoms", "--mirror", slow_mirror, "--home", tmp_path)
    part = tmp_path / "data" / "phantoms" / "downloads" / f"{IMAGES}.zip.part"
    with start_command(*command) as process:
        wait_until(lambda: part.exists() and part.stat().st_size > 0, process, seconds=60)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert part.stat().st_size > 0
    kept = (
        "What was finished is kept: `fetch` and `predict --resume` continue from there, `train --resume` after the "
        "last finished epoch, if there is one."
    )
    assert said == f"error: stopped. {kept}\n"
    ran = attnmel(*command)
    assert ran.code == 0, ran.err
    assert not part.exists()
    assert not part.parent.exists()
