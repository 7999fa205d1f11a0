"""Apply a function to many items in threads: results in order, bounded memory, and a limit on the wait for each.

A library that never returns must not keep a command from ending: the threads are daemons, and the wait for the next
result has a limit. (A `ThreadPoolExecutor` joins its threads when it is closed and once more when Python exits.)
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import TypeVar

from attnmel.errors import StalledError

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD_PER_WORKER = 4
"""Items handed out ahead of the next result; bounds the memory of results that wait."""

STALL_LIMIT = 120.0
"""Seconds without the next result after which a library counts as hung; a result takes a few at most."""

STEP = 1.0
"""Seconds of one wait. Time is counted in these steps, so that the time of a suspended process does not count."""

GRACE = 2.0
"""Seconds that threads have to finish their current item at the end."""

NAME = "attnmel worker"


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, *, limit: float = STALL_LIMIT
) -> Iterator[Result]:
    """Yield the result of every item, in order; items are read as they are needed.

    Raises:
        StalledError: the next result did not come within `limit` seconds; 0 means no limit.
    """
    todo: SimpleQueue[tuple[Future[Result], Item] | None] = SimpleQueue()
    threads = [threading.Thread(target=_work, args=(function, todo), name=NAME, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    waiting: deque[tuple[Future[Result], Item]] = deque()
    try:
        for item in items:
            waiting.append((Future(), item))
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
        end = time.monotonic() + GRACE
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))


def hung() -> bool:
    """Return whether a worker is still running after its results were given up, so that Python might never exit."""
    return any(thread.name == NAME for thread in threading.enumerate())


def _work(function: Callable[[Item], Result], todo: "SimpleQueue[tuple[Future[Result], Item] | None]") -> None:
    while (one := todo.get()) is not None:
        future, item = one
        if not future.set_running_or_notify_cancel():
            continue
        try:
            future.set_result(function(item))
        except BaseException as error:  # noqa: BLE001 - raised again where the result is read
            future.set_exception(error)


def _result(future: "Future[Result]", item: object, limit: float) -> Result:
    left = limit or float("inf")
    while left > 0:
        if wait([future], min(left, STEP)).done:
            return future.result()
        left -= STEP
    raise StalledError(
        f"no result came for {limit:g} seconds, at {item}: a library hangs, or this machine is very slow. Run the "
        "same command again; --stall-limit SECONDS (stall_limit in Python) sets a longer limit"
    )
