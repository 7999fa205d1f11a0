"""Progress by one function, for programs that draw bars of their own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from attnmel.progress import SILENT, Progress

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
