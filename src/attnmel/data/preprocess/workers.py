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
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from attnmel.compute.threads import available_processors
from attnmel.errors import AttnmelError

Work = TypeVar("Work")
Result = TypeVar("Result")

WORKS_WORTH_A_PROCESS = 64
"""Starting a process costs about as long as preparing this many images, so few of them are done in this one."""

STOPPED = (
    "a process that prepares images was stopped, most likely because memory ran out; close other programs and run again"
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

    Function, works and results are sent between processes, so they can be pickled. One process is this one, as it is in
    a worker of a `multiprocessing.Pool`, which may start none.

    Raises:
        AttnmelError: a process was stopped from outside.
    """
    if processes == 1 or multiprocessing.current_process().daemon:
        yield from map(function, works)
        return
    # Not forked: the parent may hold threads of torch, which a copied process would wait for without end.
    context = multiprocessing.get_context("spawn")
    with _Pool(processes, mp_context=context, initializer=_follow_parent) as pool:
        try:
            for results in taken_in_turn(pool, partial(_each, function), _together(works), processes):
                yield from results
        except BrokenProcessPool as error:
            raise AttnmelError(STOPPED) from error


class _Pool(ProcessPoolExecutor):
    """Processes that do not run the program's main module again, which the first works start.

    A script without the guard `if __name__ == "__main__":` would train once more in each of them, and a program that
    was read from standard input cannot be read again. Nothing that is sent to them is defined there.
    """

    def submit(self, *given: Any, **named: Any) -> Future[Any]:  # noqa: ANN401 - as any executor
        with _hidden_main():
            return super().submit(*given, **named)


@contextmanager
def _hidden_main() -> Iterator[None]:
    """Hide for a moment where the main module is from: what `multiprocessing` tells a process that it starts."""
    main = vars(sys.modules["__main__"])
    known = {name: main[name] for name in ("__file__", "__spec__") if name in main}
    main.pop("__file__", None)
    main["__spec__"] = None
    try:
        yield
    finally:
        main.update(known)


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


def _follow_parent() -> None:
    # Ctrl-C reaches every process of the terminal: only the parent answers it, and its children end with it, also
    # when it is killed and cannot end them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)
