"""Arguments of the public functions -> a sentence where one is of a kind that it cannot be. No torch."""

import functools
import inspect
import os
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin

from attnmel.errors import ConfigError

Function = TypeVar("Function", bound=Callable[..., Any])

LONGEST = 60
"""Characters of a wrong value that a message shows."""

WORDS: dict[object, str] = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "a text",
    Path: "a path",
    type(None): "None",
}


def checked_arguments(*unchecked: str) -> Callable[[Function], Function]:
    """Return a decorator that checks arguments by the types of the signature, but the ones named.

    Those that the function explains better by itself are named. Types that are written as texts, and classes other than
    those of `WORDS`, are not checked; elements only of what has a length, so that nothing is used up.
    The function raises ConfigError for a value of another kind.
    """

    def decorate(function: Function) -> Function:
        signature = inspect.signature(function)
        kinds = {
            name: one.annotation
            for name, one in signature.parameters.items()
            if name not in unchecked and one.kind is not one.VAR_KEYWORD
        }
        several = [name for name, one in signature.parameters.items() if one.kind is one.VAR_POSITIONAL]

        @functools.wraps(function)
        def called(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - as the function
            try:
                values = signature.bind(*given, **named).arguments
            except TypeError:
                values = {}  # a missing or unknown argument: Python says so below
            for name, given_value in values.items():
                for value in given_value if name in several else (given_value,):
                    if name in kinds and not fits(value, kinds[name]):
                        raise ConfigError(f"{name} is {_shown(value)}; expected {in_words(kinds[name])}")
            return function(*given, **named)

        return called  # pyright: ignore[reportReturnType] - of the same signature

    return decorate


def fits(value: object, kind: Any) -> bool:  # noqa: ANN401 - a type expression of any kind
    """Return whether a value is of a type, as far as the type is one that is checked."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in parts)
    if kind in (bool, int, float):
        is_bool = type(value).__name__ in ("bool", "bool_")  # also numpy's
        return is_bool if kind is bool else not is_bool and isinstance(value, Integral if kind is int else Real)
    if kind is Path:
        return isinstance(value, str | os.PathLike)
    if kind in (str, type(None)):
        return isinstance(value, kind)
    if origin is Callable:
        return callable(value)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(fits(one, parts[1]) for one in value.values())
    if origin in (Sequence, Iterable):
        # A text is no list of its letters; where `Iterable` is written, the function takes it as the only one.
        return fits(value, parts[0]) and origin is Iterable if isinstance(value, str) else _fits_each(value, parts[0])
    return True


def _fits_each(values: object, kind: Any) -> bool:  # noqa: ANN401
    if isinstance(values, bytes | Mapping) or not isinstance(values, Iterable):
        return False
    return not isinstance(values, list | tuple) or all(fits(one, kind) for one in values)


def in_words(kind: Any) -> str:  # noqa: ANN401
    """Return what a type is called in a message."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        words = dict.fromkeys(in_words(one) for one in parts if not (one is str and Path in parts))
        return " or ".join(words)
    if origin in (Sequence, Iterable):
        return "a list" if parts[0] is object else f"a list, each of it {in_words(parts[0])}"
    if origin is Mapping:
        return f"a mapping of names, each to {in_words(parts[1])}"
    if origin is Callable:
        return "a function"
    return WORDS.get(kind, getattr(kind, "__name__", str(kind)))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
