"""Arrays are checked on the first calls of each function in each test, not on thousands that are alike.

jaxtyping's wrapper takes some 50 microseconds a call, which doubled the time of everything that calls small functions
in a loop. Functions and records without an array stay as they are: their types are known before they run, to pyright.
Imported before anything of attnmel, whose functions are decorated as they are defined.
"""

# ruff: noqa: ANN401 - whatever a function takes and gives

import functools
import inspect
from collections.abc import Callable
from typing import Any

import jaxtyping

CALLS = 4
"""Of each function in each test that are checked."""

_test = 0
_whole = jaxtyping.jaxtyped


def begin_test() -> None:
    """Check the next calls of every function again."""
    global _test
    _test += 1


def _jaxtyped(*given: Any, **named: Any) -> Any:
    return _whole(*given, **named) if given else functools.partial(_first_calls, **named)


def _has_arrays(function: Any) -> bool:
    """Say whether a shape stands in the signature of a function or in the fields of a record."""
    return any("jaxtyping" in repr(one) for one in getattr(function, "__annotations__", {}).values())


def _first_calls(function: Any, **named: Any) -> Callable[..., Any]:
    if not _has_arrays(function):
        return function
    if not inspect.isfunction(function) or inspect.iscoroutinefunction(function):
        return _whole(function, **named)
    checked: Callable[..., Any] | None = None
    of_test, left = -1, 0

    @functools.wraps(function)
    def called(*arguments: Any, **values: Any) -> Any:
        nonlocal checked, of_test, left
        if of_test != _test:
            of_test, left = _test, CALLS
        if not left:
            return function(*arguments, **values)
        left -= 1
        if checked is None:  # at the first call: most functions of a module are not called by the tests of one worker
            checked = _whole(function, **named)
        return checked(*arguments, **values)

    return called


jaxtyping.jaxtyped = _jaxtyped
