"""One function over many works in threads, results in order, memory bounded; nothing waits for a thread that hangs.

A library that never comes back must not keep a command from ending: the threads are daemons, and the wait for the next
result has an end. (A `ThreadPoolExecutor` joins its threads when it is left and once more when Python exits.)
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import TypeVar

from attnmel.errors import StalledError

Work = TypeVar("Work")
Result = TypeVar("Result")

AHEAD_PER_WORKER = 4
"""Works handed out ahead of the one whose turn is next; bounds the memory of results that wait."""

STALL_LIMIT = 120.0
"""Seconds without the next answer after which a library counts as hung: an answer takes a few at most."""

STEP = 1.0
"""Seconds of one wait. Time is counted in them, so that a process that was suspended meanwhile does not count it."""

FAREWELL = 2.0
"""Seconds that threads have to finish what they are at, once nothing more is wanted of them."""

NAME = "attnmel worker"


def in_threads(
    function: Callable[[Work], Result], works: Iterable[Work], workers: int, *, limit: float = STALL_LIMIT
) -> Iterator[Result]:
    """Give the function's result of every work, in order; works are taken as they are needed.

    Raises:
        StalledError: the next result did not come within `limit` seconds; 0 waits for ever.
    """
    todo: SimpleQueue[tuple[Future[Result], Work] | None] = SimpleQueue()
    threads = [threading.Thread(target=_work, args=(function, todo), name=NAME, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    waiting: deque[tuple[Future[Result], Work]] = deque()
    try:
        for work in works:
            waiting.append((Future(), work))
            todo.put(waiting[-1])
            if len(waiting) >= workers * AHEAD_PER_WORKER:
                yield _result(*waiting.popleft(), limit)
        while waiting:
            yield _result(*waiting.popleft(), limit)
    finally:
        for future, _ in waiting:
            future.cancel()
        for _ in threads:
            todo.put(None)
        end = time.monotonic() + FAREWELL
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))


def hung() -> bool:
    """Whether a thread is at work for which nobody waits any more: Python's own end could wait for it for ever."""
    return any(thread.name == NAME for thread in threading.enumerate())


def _work(function: Callable[[Work], Result], todo: "SimpleQueue[tuple[Future[Result], Work] | None]") -> None:
    while (one := todo.get()) is not None:
        future, work = one
        if not future.set_running_or_notify_cancel():
            continue
        try:
            future.set_result(function(work))
        except BaseException as error:  # noqa: BLE001 - whatever it is, who waits for the result gets it
            future.set_exception(error)


def _result(future: "Future[Result]", work: object, limit: float) -> Result:
    left = limit or float("inf")
    while left > 0:
        if wait([future], min(left, STEP)).done:
            return future.result()
        left -= STEP
    raise StalledError(
        f"no answer came for {limit:g} seconds, at {work}: a library hangs, or this is a very slow machine. Run the "
        "same again; a longer limit is --stall-limit SECONDS (stall_limit in Python)"
    )
