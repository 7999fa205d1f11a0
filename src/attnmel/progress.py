"""How work that takes a while says so, without knowing about terminals."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, runtime_checkable


@runtime_checkable
class Progress(Protocol):
    """Where work reports how far it is; the command line draws it on standard error."""

    def bar(self, label: str, total: int | None, unit: str = "") -> AbstractContextManager[Callable[[int], None]]:
        """Open a bar of `total` steps (None: unknown) and give the function that advances it."""
        ...

    def note(self, message: str) -> None:
        """Say one sentence."""
        ...


class Silent:
    """Progress that nobody looks at; the default of every function."""

    @contextmanager
    def bar(self, label: str, total: int | None, unit: str = "") -> Iterator[Callable[[int], None]]:
        """Give a function that does nothing."""
        yield lambda steps: None

    def note(self, message: str) -> None:
        """Say nothing."""


SILENT = Silent()
