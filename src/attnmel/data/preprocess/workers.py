"""One function over many works in several processes, results in order, memory bounded. No torch."""

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import TypeVar

from attnmel.compute.threads import available_processors
from attnmel.errors import AttnmelError

Work = TypeVar("Work")
Result = TypeVar("Result")

WORKS_WORTH_A_PROCESS = 64
"""Starting a process costs about as long as preparing this many images, so few of them are done in this one."""

STOPPED = (
    "a process that prepares images was stopped, most likely because memory ran out; close other programs and run again"
)

NO_GUARD = (
    "the processes that prepare images could not start: each of them runs the script that started it from its first "
    "line. Put what the script does below the line `if __name__ == '__main__':`"
)

WORKS_TOGETHER = 8
"""Works that a process is handed at once: for each message it and its parent wake up, which costs as much as preparing
a small image."""

AHEAD_PER_PROCESS = 4
"""Messages handed out ahead of the one whose turn is next; bounds the memory of results that wait."""


def worthwhile_processes(works: int) -> int:
    """Return the number of processes that saves time: at most one a processor, and few for few works."""
    return min(available_processors(), max(1, works // WORKS_WORTH_A_PROCESS))


def in_order(
    function: Callable[[Work], Result], works: Iterable[Work], processes: int
) -> Generator[Result, None, None]:
    """Give the function's result of every work, in order.

    Function, works and results are sent between processes, so they can be pickled. One process is this one, as is that
    of a program that was read from standard input, which no other process can read again.

    Raises:
        AttnmelError: a process was stopped from outside, or the script has no guard for those that it starts.
    """
    if processes == 1 or _from_standard_input():
        yield from map(function, works)
        return
    # Not forked: the parent may hold threads of torch, which a copied process would wait for without end.
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(begun,)) as pool:
        try:
            for results in taken_in_turn(pool, partial(_each, function), _together(works), processes):
                yield from results
        except BrokenProcessPool as error:
            raise AttnmelError(STOPPED if begun.is_set() else NO_GUARD) from error


def _from_standard_input() -> bool:
    """Return whether the program names a file that is none, `<stdin>`; a process that is started would look for it."""
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    return getattr(main, "__spec__", None) is None and file is not None and not Path(file).exists()


def taken_in_turn(
    pool: Executor, function: Callable[[Work], Result], works: Iterable[Work], workers: int
) -> Iterator[Result]:
    """Give the function's result of every work, in order, by a pool of so many workers; few are handed out ahead."""
    ahead = workers * AHEAD_PER_PROCESS
    waiting: deque[Future[Result]] = deque()
    try:
        for work in works:
            waiting.append(pool.submit(function, work))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _together(works: Iterable[Work]) -> Iterator[list[Work]]:
    rest = iter(works)
    while some := list(islice(rest, WORKS_TOGETHER)):
        yield some


def _each(function: Callable[[Work], Result], works: Sequence[Work]) -> list[Result]:
    return [function(work) for work in works]


def _begin(begun: Event) -> None:
    """Follow the parent, and tell it that the process has begun; where the script has no guard, none ever does."""
    begun.set()
    # Ctrl-C reaches every process of the terminal: only the parent answers it, and its children end with it, also
    # when it is killed and cannot end them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)
