"""The interface by which long work reports its progress, independent of terminals; also by one function."""

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

Report = Callable[[str, int, int | None], object]
"""Called with a label, the steps done and all steps (None: not known); with a sentence, 0 and None for a note."""


class _Reported:
    def __init__(self, report: Report) -> None:
        self._report = report

    @contextmanager
    def bar(
        self, label: str, total: int | None, unit: str = "", *, further: int = 0
    ) -> Iterator[Callable[[int], None]]:
        done = 0

        def advance(steps: int) -> None:
            nonlocal done
            done += steps
            self._report(label, done, total)

        yield advance

    def note(self, message: str) -> None:
        self._report(message, 0, None)


def as_progress(given: Progress | Report | None) -> Progress:
    """Return progress that calls a function; `Progress` as it is, and none as silence."""
    if given is None:
        return SILENT
    return given if isinstance(given, Progress) else _Reported(given)
