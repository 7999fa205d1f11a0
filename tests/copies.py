"""Code in processes of their own, each a copy of one interpreter that has loaded the command line and no more.

A fresh interpreter takes most of a second before a command begins. Where the start itself is not what a test looks at,
a copy does: the interpreter is started once for the tests of a worker (`multiprocessing`'s fork server).
"""

import multiprocessing
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import TracebackType
from typing import IO, Self

LOADED = (
    "attnmel.cli.app", "attnmel.deploy.openvino", "attnmel.files.locks", "attnmel.pipeline.predict.image_files",
    "attnmel.pipeline.predict.models.onnx_model", "attnmel.pipeline.predict.table", "PIL.Image",
)  # fmt: skip
"""What most of the copies need; none of it starts a thread, as openvino does, which a copy would not have."""

BEGIN = """
import os, signal, sys
for end, place in zip(ends, (0, 1, 2)):
    os.dup2(end.fileno(), place)
    end.close()
os.chdir(folder)
os.environ.clear()
os.environ.update(environment)
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)
if environment.get("PYTHONUNBUFFERED"):
    sys.stdout.reconfigure(line_buffering=True)
sys.argv = words
exec(code, {"__name__": "__main__"})
"""


@cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*LOADED])
    return context


class Copy:
    """A process that runs Python code with these words as `sys.argv`, and what a test needs of `subprocess.Popen`."""

    def __init__(self, code: str, words: Sequence[str] = ("",)) -> None:
        pipes = [os.pipe() for _ in range(3)]
        theirs = [pipes[0][0], pipes[1][1], pipes[2][1]]
        ends = [Connection(theirs[0], writable=False), *(Connection(one, readable=False) for one in theirs[1:])]
        told = {"ends": ends, "folder": str(Path.cwd()), "environment": {**os.environ}, "words": [*words], "code": code}
        self._process = _context().Process(target=exec, args=(BEGIN, told))
        self._process.start()
        for end in ends:
            end.close()
        self.stdin: IO[str] = os.fdopen(pipes[0][1], "w", encoding="utf-8")
        self.stdout: IO[str] = os.fdopen(pipes[1][0], encoding="utf-8")
        self.stderr: IO[str] = os.fdopen(pipes[2][0], encoding="utf-8")

    @property
    def pid(self) -> int:
        """Number of the process."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended, negative for a signal; none while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return how it ended, or none."""
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended, and return how; one that takes longer than `timeout` seconds is an error."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("a copy", timeout or 0)
        return self.returncode

    def communicate(self, text: str = "", timeout: float = 300) -> tuple[str, str]:
        """Give a text to read, wait for the end, and return what was written to stdout and stderr (a few lines)."""
        late = threading.Timer(timeout, self.kill)
        late.start()
        try:
            if not self.stdin.closed:
                self.stdin.write(text)
                self.stdin.close()
            with self.stdout, self.stderr:
                said = self.stdout.read(), self.stderr.read()
            self.wait()
        finally:
            in_time = late.is_alive()
            late.cancel()
            late.join()
        if not in_time:
            raise subprocess.TimeoutExpired("a copy", timeout)
        return said

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the end, as `Popen` does; one that a failed test left is ended."""
        if error is not None:
            self.kill()
        if not self.stdin.closed:
            self.stdin.close()
        self.wait()
        for end in (self.stdout, self.stderr):
            end.close()


def start_command(*arguments: object, before: str = "") -> Copy:
    """Start a command of the program in a process of its own, after some lines of code."""
    return Copy(f"{before}\nfrom attnmel.cli import main\nmain()", ("attnmel", *map(str, arguments)))


def slow_predictions(images: int, seconds: float) -> str:
    """Give the code after which a command takes so many seconds for each image but the first few."""
    return f"""
import itertools, time
from attnmel.deploy.openvino import Compiled
run, passes = Compiled.run, itertools.count()
def slow(self, square):
    if next(passes) >= {images}:
        time.sleep({seconds})
    return run(self, square)
Compiled.run = slow
"""


def wait_until(there: Callable[[], object], process: Copy, *, seconds: float = 300) -> None:
    """Wait until something is there, while a process runs."""
    deadline = time.monotonic() + seconds
    while not there():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


HOLDER = """
import sys
from pathlib import Path
from attnmel.files.locks import hold_file, hold_folder

for line in sys.stdin:
    kind, _, place = line.rstrip("\\n").partition(" ")
    with (hold_file if kind == "file" else hold_folder)(Path(place)):
        print("held", flush=True)
        sys.stdin.readline()
    print("free", flush=True)
"""


class Holder:
    """Another process that takes one lock after another, as a command that writes there would."""

    def __init__(self, process: Copy) -> None:
        self.process = process

    @contextmanager
    def holds(self, kind: str, place: Path) -> Iterator[int]:
        """Hold the lock of a `file` or `folder` during the block; gives the process's number."""
        self._say(f"{kind} {place}", "held")
        try:
            yield self.process.pid
        finally:
            self._say("", "free")

    def _say(self, line: str, answer: str) -> None:
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == f"{answer}\n"


@contextmanager
def another_process() -> Iterator[Holder]:
    """Start a process that takes locks."""
    with Copy(HOLDER) as process:
        yield Holder(process)
