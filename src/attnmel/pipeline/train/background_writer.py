"""Writing of files in a thread of its own, while training goes on."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType


class BackgroundWriter:
    """Runs one write at a time; leaving the context waits for the last one, so that all files are whole on disk.

    An error of a write is raised by the next call, or on leaving, unless another error is being raised already.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="background-writer")
        self._latest: Future[None] | None = None

    def hand_over(self, write: Callable[[], None]) -> None:
        """Start to write, once the former write is done: never do two wait, with all the memory they need."""
        self.wait()
        self._latest = self._thread.submit(write)

    def wait(self) -> None:
        """Return when everything is written."""
        if self._latest is not None:
            self._latest.result()

    def __enter__(self) -> "BackgroundWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Shutting down waits, too: even after an error, a file that is half-written is finished.
        self._thread.shutdown()
        if error is None:
            self.wait()
