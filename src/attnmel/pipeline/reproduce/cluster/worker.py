"""Work that a machine of a cluster carries out: its notes come out one by one, then how it ended."""

import pickle
import queue
import sys
import threading
from collections.abc import Callable, Iterator

from attnmel.errors import AttnmelError
from attnmel.pipeline.reproduce.commands import Commands
from attnmel.pipeline.reproduce.rows import Ended
from attnmel.progress import Silent

LOOK_EVERY = 0.2
"""Seconds between two looks for a note; a cancelled task is interrupted only then."""

Work = Callable[[Commands], Ended]


class _Notes(Silent):
    """Progress whose notes another thread reads."""

    def __init__(self) -> None:
        self.waiting: queue.Queue[str | Ended] = queue.Queue()

    def note(self, message: str) -> None:
        self.waiting.put(message)


def carry_out(work: bytes) -> Iterator[str | tuple[bool, str]]:
    """Do pickled work, and yield its notes and at last its `Ended` as a plain tuple.

    Where this thread is interrupted, a command that runs is interrupted too, and awaited.
    """
    sys.argv = ["attnmel", "reproduce", "--engine", "ray"]  # what locks name as their owner, in place of Ray's worker
    notes = _Notes()
    commands = Commands(notes)
    thread = threading.Thread(target=_do, args=(pickle.loads(work), commands, notes), daemon=True)
    thread.start()
    try:
        while True:
            try:
                found = notes.waiting.get(timeout=LOOK_EVERY)
            except queue.Empty:
                continue
            if isinstance(found, Ended):
                yield (found.is_new, found.reason)
                return
            yield found
    except KeyboardInterrupt:
        commands.stop()  # and a thread that waits for a lock starts nothing any more
        if commands.is_running:
            thread.join()
        raise


def _do(work: Work, commands: Commands, notes: _Notes) -> None:
    try:
        ended = work(commands)
    except (AttnmelError, OSError) as error:
        ended = Ended(True, str(error))
    except BaseException as error:
        notes.waiting.put(Ended(True, f"{type(error).__name__}: {error}"))
        raise
    notes.waiting.put(ended)
