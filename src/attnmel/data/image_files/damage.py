"""What Pillow's readers raise on damaged files. No torch."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

# SyntaxError: a header that makes no sense.
DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)

CONTRADICTION = (TypeError, KeyError, IndexError, AttributeError, RuntimeError, OverflowError, MemoryError)
"""Where a header contradicts itself; from other code such an error is a mistake of ours."""


@contextmanager
def contradictions_as_damage() -> Iterator[None]:
    """Turn what a reader raises on a header that contradicts itself into an error of `DAMAGE`."""
    try:
        yield
    except CONTRADICTION as error:
        raise OSError(str(error) or type(error).__name__) from error
