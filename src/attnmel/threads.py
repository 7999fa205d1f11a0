"""How many threads an operation may use: what the caller or the environment asks for. No torch."""

import os

from attnmel.errors import ConfigError

THREADS_VARIABLE = "ATTNMEL_THREADS"


def threads_asked(count: int | None = None) -> int | None:
    """Return the number of threads as given, else $ATTNMEL_THREADS; None where neither asks for one.

    Raises:
        ConfigError: a number that is not a whole one above 0.
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
