"""Watch from another process that a library returns its results, and end the command if it never does."""

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
def stall_watched(limit: float, *, stalled: str, stopped: str) -> Iterator[Callable[[Iterable[One]], Iterator[One]]]:
    """Give a function that passes items on, while another process watches that each one comes within the limit.

    The other process ends this one with the message `stalled` if an item takes `limit` seconds (0: no limit) plus some
    grace, and with `stopped` if it does not end on Ctrl-C; by SIGKILL, since a hanging library may block any other way.
    The time that the consumer of an item takes counts only while no Python code can run at all. On Windows, and outside
    the main thread, which alone gets Ctrl-C, nothing is watched.
    """
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield iter
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    process = _started(reading, limit, stalled, stopped)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    in_use, ended = threading.Event(), threading.Event()
    in_use.set()
    pulse = threading.Thread(target=_pulse, args=(writing, in_use, ended), name="attnmel pulse", daemon=True)
    pulse.start()
    try:
        yield lambda items: _passed_on(items, writing, in_use)
    finally:
        ended.set()
        pulse.join()
        _restore_signals(writing, before)
        os.close(writing)
        process.wait()


def _pulse(writing: int, in_use: threading.Event, ended: threading.Event) -> None:
    """Show progress while a result is in use, for as long as Python code can run at all."""
    while not ended.wait(stall_watcher.STEP):
        if in_use.is_set():
            _show_progress(writing)


def _restore_signals(writing: int, before: int) -> None:
    """Give Ctrl-C back to the former listener; of two watches, the first may end first."""
    current = signal.set_wakeup_fd(-1)
    listener = before if current == writing else current
    with suppress(OSError, ValueError):  # the former watch has ended, and its pipe is closed
        signal.set_wakeup_fd(listener)


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
    # Ctrl-C reaches every process of the terminal: blocked here, it stays blocked in the watcher.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return subprocess.Popen(program, stdin=reading, stdout=subprocess.DEVNULL)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(reading)


def _passed_on(items: Iterable[One], writing: int, in_use: threading.Event) -> Iterator[One]:
    iterator = iter(items)
    while True:
        in_use.clear()
        _show_progress(writing)
        try:
            one = next(iterator)
        except StopIteration:
            return
        finally:
            in_use.set()
            _show_progress(writing)
        yield one


def _show_progress(writing: int) -> None:
    with suppress(OSError):  # the watcher has ended, or its pipe is full
        os.write(writing, stall_watcher.PROGRESS)
