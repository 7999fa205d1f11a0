"""A bound on the pixels of all pictures that a process has open: many large ones wait for each other. No torch."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class PixelBudget:
    """Pictures are let in while the sum of their pixels is at most `most`, or while they are alone.

    A thread that has a picture open gets in with a further one, such as its mask, for waiting could last for ever.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._changed = threading.Condition()
        self._in_use = 0
        self._held = threading.local()

    @contextmanager
    def hold(self, pixels: int) -> Iterator[None]:
        """Count pixels as in use during the block; first wait until they fit."""
        inside = getattr(self._held, "pictures", 0)
        with self._changed:
            self._changed.wait_for(lambda: inside or not self._in_use or self._in_use + pixels <= self.most)
            self._in_use += pixels
        self._held.pictures = inside + 1
        try:
            yield
        finally:
            self._held.pictures = inside
            with self._changed:
                self._in_use -= pixels
                self._changed.notify_all()
