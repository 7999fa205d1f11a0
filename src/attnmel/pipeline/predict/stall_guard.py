"""Answers of a library, watched from another process: where it never comes back, the command ends all the same."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from attnmel.pipeline.predict import stall_watcher

One = TypeVar("One")


@contextmanager
def watched(limit: float, *, stalled: str, stopped: str) -> Iterator[Callable[[Iterable[One]], Iterator[One]]]:
    """Give a function that passes things on, and let another process watch that each one comes within the limit.

    This process is ended with the sentence `stalled` if one takes `limit` seconds (0: no limit) and some grace, and
    with `stopped` if it does not end by itself on Ctrl-C; by SIGKILL, since a library may hold whatever else could end
    it. Time in which the taker of the things does something else does not count. On Windows, and outside the main
    thread, which alone hears of Ctrl-C, nothing watches.
    """
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield iter
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    process = _started(reading, limit, stalled, stopped)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield lambda things: _passed_on(things, writing)
    finally:
        _listen_no_more(writing, before)
        os.close(writing)
        process.wait()


def _listen_no_more(writing: int, before: int) -> None:
    """Hand Ctrl-C back to who heard of it before; two watches may end in the order in which they began."""
    current = signal.set_wakeup_fd(-1)
    heir = before if current == writing else current
    with suppress(OSError, ValueError):  # the watch before has ended meanwhile, and its pipe is closed
        signal.set_wakeup_fd(heir)


def _started(reading: int, limit: float, stalled: str, stopped: str) -> "subprocess.Popen[bytes]":
    program = [
        sys.executable,
        "-I",
        "-S",
        str(Path(stall_watcher.__file__)),
        str(os.getpid()),
        f"{limit}",
        stalled,
        stopped,
    ]
    # Ctrl-C reaches every process of the terminal. Blocked here, it stays so in the watcher and comes late to us.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return subprocess.Popen(program, stdin=reading, stdout=subprocess.DEVNULL)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(reading)


def _passed_on(things: Iterable[One], writing: int) -> Iterator[One]:
    iterator = iter(things)
    while True:
        _say(writing, stall_watcher.WORKING)
        try:
            one = next(iterator)
        except StopIteration:
            return
        finally:
            _say(writing, stall_watcher.RESTING)
        yield one


def _say(writing: int, state: bytes) -> None:
    with suppress(OSError):  # nobody watches any more, or is behind
        os.write(writing, state)
