"""What is handed over is written by a thread of its own, while its owner goes on."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType


class BackgroundWriter:
    """Writes one thing at a time; leaving it waits for the last one, so that what was handed over is whole on disk.

    What a writing raises comes out of the next call, or of leaving, unless another error is under way there already.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="beside")
        self._latest: Future[None] | None = None

    def hand_over(self, write: Callable[[], None]) -> None:
        """Start to write, once what was handed over before is written: never are two waiting, with all they hold."""
        self.wait()
        self._latest = self._thread.submit(write)

    def wait(self) -> None:
        """Return when all that was handed over is written."""
        if self._latest is not None:
            self._latest.result()

    def __enter__(self) -> "BackgroundWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Shutting down waits, too: even after an error, what is half-written is finished.
        self._thread.shutdown()
        if error is None:
            self.wait()
