"""Images of all requests, computed by a few threads in the order in which they came; a library may hang in some.

A thread whose image takes too long is left behind, and another one takes its place. The threads are daemons, so that
the server can always end.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Generic, TypeVar

from attnmel.deploy.workers import GRACE, NAME
from attnmel.errors import BusyError, StalledError
from attnmel.web.limits import Limits

Result = TypeVar("Result")

IDLE = "attnmel image"
"""Name of a thread; one in which a library hangs is renamed, so that `deploy.workers.hung` finds it."""

STEP = 1.0
"""Seconds between two looks at a result that has not come."""


class GoneError(Exception):
    """Nobody waits for the results any more."""


class ImageJob(Generic[Result]):
    """The computation of one image; its function gets whether several images are being computed."""

    def __init__(self, function: Callable[[bool], Result]) -> None:
        self.function = function
        self.future: Future[Result] = Future()
        self.started: float | None = None
        """When its turn came, by the monotonic clock."""
        self.thread: threading.Thread | None = None
        self.left_behind = False


class WorkQueue:
    """Threads that compute images, first come, first served; used from one event loop."""

    def __init__(self, threads: int, limits: Limits) -> None:
        self._limits = limits
        self._todo: SimpleQueue[ImageJob | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._active, self._lock = 0, threading.Lock()
        self.waiting = 0
        """Images that are waiting or being computed."""
        self.lost = 0
        """Threads in which a library hangs."""
        for _ in range(threads):
            self._start_thread()

    def close(self) -> None:
        """End the threads that have nothing to do; those that are busy get `GRACE` seconds."""
        for _ in self._threads:
            self._todo.put(None)
        end = time.monotonic() + GRACE
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
            if thread.is_alive():
                thread.name = NAME

    async def results(
        self, functions: Sequence[Callable[[bool], Result]], is_gone: Callable[[], Awaitable[bool]]
    ) -> list[Result]:
        """Return the result of each function, in order; if `is_gone` says that nobody waits, the rest is left out.

        Raises:
            BusyError: too many images are waiting, or too many threads hang.
            StalledError: a library hangs.
            GoneError: nobody waits.
        """
        with self._places(len(functions)):
            jobs = [ImageJob(function) for function in functions]
            for job in jobs:
                self._todo.put(job)
            try:
                return [await self._result(job, is_gone) for job in jobs]
            finally:
                for job in jobs:
                    job.future.cancel()

    @contextmanager
    def _places(self, count: int) -> Iterator[None]:
        if self.lost >= self._limits.lost_threads:
            raise StalledError(f"a library hangs in {self.lost} threads; start the server again")
        if self.waiting + count > self._limits.waiting:
            raise BusyError(
                f"{self.waiting} images are waiting, and at most {self._limits.waiting} may; send {count} more later"
            )
        self.waiting += count
        try:
            yield
        finally:
            self.waiting -= count

    async def _result(self, job: ImageJob[Result], is_gone: Callable[[], Awaitable[bool]]) -> Result:
        future, limit = asyncio.wrap_future(job.future), self._limits.stall_seconds
        while not (await asyncio.wait({future}, timeout=STEP))[0]:
            if job.started is None and await is_gone():
                raise GoneError
            late = limit and job.started is not None and time.monotonic() - job.started > limit
            if late and self._leave_behind(job):
                raise StalledError(
                    f"no result came for {limit:g} seconds: a library hangs on this image, or this machine is very slow"
                )
        return future.result()

    def _leave_behind(self, job: ImageJob) -> bool:
        """Put another thread in the place of the one that computes a job; False if it has just finished."""
        with self._lock:
            if job.future.done():
                return False
            job.left_behind = True
            if job.thread is not None:
                job.thread.name = NAME
            self.lost += 1
            self._active -= 1
        self._start_thread()
        return True

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work, name=IDLE, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while (job := self._todo.get()) is not None:
            if not job.future.set_running_or_notify_cancel():
                continue
            with self._lock:
                self._active += 1
                several = self._active > 1 or not self._todo.empty()
            job.thread, job.started = threading.current_thread(), time.monotonic()
            try:
                job.future.set_result(job.function(several))
            except BaseException as error:  # noqa: BLE001 - raised again where the result is read
                job.future.set_exception(error)
            with self._lock:
                if job.left_behind:
                    self.lost -= 1
                    return
                self._active -= 1
