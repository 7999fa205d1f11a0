"""Arrays are checked on the first calls of each function in each test, not on thousands that are alike.

jaxtyping's wrapper takes some 50 microseconds a call, which doubled the time of everything that calls small functions
in a loop. Functions and records without an array stay as they are: their types are known before they run, to pyright.
Imported before anything of attnmel, whose functions are decorated as they are defined.
"""

# ruff: noqa: ANN401 - whatever a function takes and gives

import functools
import inspect
import threading
import types
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


def _first_calls(function: Any, **named: Any) -> Callable[..., Any]:
    if not inspect.isfunction(function) or inspect.iscoroutinefunction(function):
        return _whole(function, **named) if _has_arrays(function) else function
    if "<locals>" not in function.__qualname__:
        return _Calls(function, named).counted(function) if _has_arrays(function) else function
    if function.__code__ not in _inner:
        _inner[function.__code__] = _Calls(function, named) if _has_arrays(function) else None
    calls = _inner[function.__code__]
    return calls.counted(function) if calls and calls.some_left() else function


def _has_arrays(function: Any) -> bool:
    """Say whether a shape stands in the signature of a function or in the fields of a record."""
    return any("jaxtyping" in repr(one) for one in getattr(function, "__annotations__", {}).values())


class _Calls:
    """The calls of a function that are checked; those of one that is defined within another, in all its definitions.

    Such a one is defined at each call of the other, and what checks it would be made as often: a millisecond each time.
    """

    def __init__(self, function: Any, named: dict[str, Any]) -> None:
        self._checked: Callable[..., Any] | None = None
        self._made_of, self._named = function, named
        self._current = threading.local()
        self._test, self._left = -1, 0

    def some_left(self) -> bool:
        """Say whether a call would be checked in this test."""
        if self._test != _test:
            self._test, self._left = _test, CALLS
        return self._left > 0

    def counted(self, function: Any) -> Callable[..., Any]:
        """Check the next calls of one definition of the function."""

        @functools.wraps(function)
        def called(*arguments: Any, **values: Any) -> Any:
            if not self.some_left():
                return function(*arguments, **values)
            self._left -= 1
            checked = self._checked
            if checked is None:  # at the first call: most functions are not called by the tests of one worker
                checked = self._checked = _whole(self._stand_in(), **self._named)
            self._current.function = function
            return checked(*arguments, **values)

        return called

    def _stand_in(self) -> Any:
        """Return a function with the signature of the definitions that calls the one that is checked."""
        current, known = self._current, self._made_of

        def call(*arguments: Any, **values: Any) -> Any:
            return current.function(*arguments, **values)

        made = types.FunctionType(call.__code__, known.__globals__, known.__name__, None, call.__closure__)
        return functools.wraps(known)(made)


_inner: dict[types.CodeType, _Calls | None] = {}
"""Of the functions that are defined within others, by their code; none of those without arrays."""

jaxtyping.jaxtyped = _jaxtyped
