"""The interface by which long work reports its progress, independent of terminals."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, runtime_checkable


@runtime_checkable
class Progress(Protocol):
    """Receiver of progress; the command line shows it on standard error."""

    def bar(
        self, label: str, total: int | None, unit: str = "", *, further: int = 0
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Open a bar of `total` steps (None: unknown) and give the function that advances it.

        `further`: steps of the same kind that follow in later bars, such as those of later epochs.
        """
        ...

    def note(self, message: str) -> None:
        """Report one sentence."""
        ...


class Silent:
    """Progress that is discarded; the default of every function."""

    @contextmanager
    def bar(
        self, label: str, total: int | None, unit: str = "", *, further: int = 0
    ) -> Iterator[Callable[[int], None]]:
        """Give a function that does nothing."""
        yield lambda steps: None

    def note(self, message: str) -> None:
        """Discard the message."""


SILENT = Silent()
