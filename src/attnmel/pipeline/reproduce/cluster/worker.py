"""Work that a machine of a cluster carries out: its notes come out one by one, then how it ended."""

import pickle
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from attnmel.errors import AttnmelError
from attnmel.pipeline.reproduce.commands import Commands
from attnmel.pipeline.reproduce.rows import JobEnd
from attnmel.progress import Silent

LOOK_EVERY = 0.5
"""Seconds between two looks for a note and for the mark; a cancelled task is interrupted only then."""

Work = Callable[[Commands], JobEnd]


class _Notes(Silent):
    """Progress whose notes another thread reads."""

    def __init__(self) -> None:
        self.waiting: queue.Queue[str | JobEnd] = queue.Queue()

    def note(self, message: str) -> None:
        self.waiting.put(message)


def carry_out(work: bytes, mark: Path) -> Iterator[str | tuple[bool, str]]:
    """Do pickled work, and yield its notes and at last its `JobEnd` as a plain tuple.

    Where the file `mark` is gone, or this thread is interrupted, a command that runs is interrupted, and awaited.
    """
    sys.argv = ["attnmel", "reproduce", "--engine", "ray"]  # what locks name as their owner, in place of Ray's worker
    notes = _Notes()
    commands = Commands(notes)
    thread = threading.Thread(target=_do, args=(pickle.loads(work), commands, notes), daemon=True)
    thread.start()
    try:
        while _is_there(mark):
            try:
                found = notes.waiting.get(timeout=LOOK_EVERY)
            except queue.Empty:
                continue
            if isinstance(found, JobEnd):
                yield (found.is_new, found.reason)
                return
            yield found
        _stop(commands, thread)
        yield (True, "stopped")
    except KeyboardInterrupt:
        _stop(commands, thread)
        raise


def _is_there(mark: Path) -> bool:
    """Whether a file is there; opened, since a network file system may remember for a minute what is in a folder."""
    try:
        mark.open("rb").close()
    except OSError:
        return False
    return True


def _stop(commands: Commands, thread: threading.Thread) -> None:
    commands.stop()  # and a thread that waits for a lock starts nothing any more
    while commands.is_running:
        thread.join(LOOK_EVERY)


def _do(work: Work, commands: Commands, notes: _Notes) -> None:
    try:
        ended = work(commands)
    except (AttnmelError, OSError) as error:
        ended = JobEnd(True, str(error))
    except BaseException as error:
        notes.waiting.put(JobEnd(True, f"{type(error).__name__}: {error}"))
        raise
    notes.waiting.put(ended)
