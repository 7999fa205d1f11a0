"""The number of threads of one operation, as the caller or the environment sets it. No torch."""

import os

from attnmel.errors import ConfigError

THREADS_VARIABLE = "ATTNMEL_THREADS"


def requested_threads(count: int | None = None) -> int | None:
    """Return `count`, else $ATTNMEL_THREADS; None if neither is set.

    Raises:
        ConfigError: it is not a whole number above 0.
    """
    if count is not None:
        if count < 1:
            raise ConfigError(f"threads is {count}, expected a whole number above 0")
        return count
    named = os.environ.get(THREADS_VARIABLE)
    if not named:
        return None
    if not named.isdigit() or int(named) < 1:
        raise ConfigError(f"${THREADS_VARIABLE} is '{named}', expected a whole number above 0")
    return int(named)
