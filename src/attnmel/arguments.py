"""Arguments of the public functions -> a sentence where one is of a kind that it cannot be. No torch."""

import functools
import inspect
import math
import os
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

from attnmel.errors import ConfigError, require_known
from attnmel.progress import Progress

Function = TypeVar("Function", bound=Callable[..., Any])

LONGEST = 60
"""Characters of a wrong value that a message shows."""


class Within(NamedTuple):
    """The range of a number, both ends in it; NaN is in none."""

    low: float
    high: float = math.inf

    def __str__(self) -> str:
        return f"of at least {self.low:g}" if self.high == math.inf else f"from {self.low:g} to {self.high:g}"


FromZero = Annotated[int, Within(0)]
FromOne = Annotated[int, Within(1)]
Share = Annotated[float, Within(0, 1)]

WORDS: dict[object, str] = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "a text",
    Path: "a path",
    type(None): "None",
    Progress: "a function",
}


def checked_arguments(*unchecked: str) -> Callable[[Function], Function]:
    """Return a decorator that checks arguments by the types of the signature, but the ones named.

    Those that the function explains better by itself are named. Types that are written as texts, and classes other than
    those of `WORDS`, are not checked. The function is given plain values, so that arrays, columns of pandas, numbers of
    numpy and generators serve as lists and numbers do: a `Sequence` is a list or a tuple, a path is a `Path` or a text.
    It raises ConfigError for a value of another kind.
    """

    def decorate(function: Function) -> Function:
        signature = inspect.signature(function)
        kinds = {name: one.annotation for name, one in signature.parameters.items() if name not in unchecked}
        several = {name for name, one in signature.parameters.items() if one.kind is one.VAR_POSITIONAL}
        by_name = {name for name, one in signature.parameters.items() if one.kind is one.VAR_KEYWORD}

        @functools.wraps(function)
        def called(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - as the function
            try:
                bound = signature.bind(*given, **named)
            except TypeError:
                return function(*given, **named)  # a missing or unknown argument: Python says so
            for name, value in bound.arguments.items():
                kind = kinds.get(name, Any)
                if name in several:
                    bound.arguments[name] = tuple(_checked(name, one, kind) for one in value)
                elif name in by_name:
                    bound.arguments[name] = {key: _checked(key, one, kind) for key, one in value.items()}
                else:
                    bound.arguments[name] = _checked(name, value, kind)
            return function(*bound.args, **bound.kwargs)

        return called  # pyright: ignore[reportReturnType] - of the same signature

    return decorate


def _checked(name: str, given: object, kind: Any) -> object:  # noqa: ANN401 - a type expression of any kind
    value = _listed(given, kind)
    if fits(value, kind):
        return _plain(value, kind)
    known = [one for part in (kind, *get_args(kind)) if get_origin(part) is Literal for one in get_args(part)]
    if known and isinstance(value, str):
        require_known(name, value, known)
    raise ConfigError(f"{name} is {_shown(given)}; expected {in_words(kind)}")


def fits(value: object, kind: Any) -> bool:  # noqa: ANN401
    """Return whether a value is of a type, as far as the type is one that is checked."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in parts)
    if origin is Annotated:
        limits = [one for one in parts[1:] if isinstance(one, Within)]
        return fits(value, parts[0]) and all(one.low <= float(value) <= one.high for one in limits)  # pyright: ignore[reportArgumentType] - a number
    if origin is Literal:
        return isinstance(value, str) and value in parts
    if kind in (bool, int, float):
        is_bool = type(value).__name__ in ("bool", "bool_")  # also numpy's
        return is_bool if kind is bool else not is_bool and isinstance(value, Integral if kind is int else Real)
    if kind is Path:
        return isinstance(value, str) or (isinstance(value, os.PathLike) and isinstance(os.fspath(value), str))
    if kind in (str, type(None), Progress):
        return isinstance(value, kind)
    if origin is Callable:
        return callable(value)
    if origin is Mapping:
        return _is_mapping(value) and all(fits(one, parts[1]) for _, one in value.items())  # pyright: ignore[reportAttributeAccessIssue]
    if origin in (Sequence, Iterable):
        # A text is no list of its letters; where `Iterable` is written, the function takes it as the only one.
        return fits(value, parts[0]) and origin is Iterable if isinstance(value, str) else _fits_each(value, parts[0])
    return True


def _listed(value: object, kind: Any) -> object:  # noqa: ANN401
    """Return what is no list yet as one where the type is a `Sequence`; anything else as it is."""
    if isinstance(value, str | bytes | os.PathLike | Mapping | list | tuple) or not isinstance(value, Iterable):
        return value
    if not any(get_origin(one) is Sequence for one in (kind, *get_args(kind))):
        return value
    plain = getattr(value, "tolist", None)  # of arrays and columns: Python's numbers, not numpy's
    return plain() if callable(plain) else list(value)


def _plain(value: Any, kind: Any) -> Any:  # noqa: ANN401
    """Return a value that fits as Python's own number, path, list or mapping."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _plain(value, next(one for one in parts if fits(value, one)))
    if origin is Annotated:
        return _plain(value, parts[0])
    if kind in (bool, int, float):
        return value if type(value) in (bool, int, float) else kind(value)
    if kind is Path:
        return value if isinstance(value, str | PurePath) else Path(value)
    if origin is Mapping:
        return {name: _plain(one, parts[1]) for name, one in value.items()}
    if origin is Sequence and isinstance(value, list | tuple):
        return type(value)(_plain(one, parts[0]) for one in value) if type(value) in (list, tuple) else value
    return value


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping) or (hasattr(value, "columns") and hasattr(value, "items"))  # a frame of pandas


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
    if origin is Annotated:
        return " ".join([in_words(parts[0]), *(str(one) for one in parts[1:] if isinstance(one, Within))])
    if origin is Literal:
        return " or ".join(map(repr, parts))
    if origin in (Sequence, Iterable):
        return "a list" if parts[0] is object else f"a list, each of it {in_words(parts[0])}"
    if origin is Mapping:
        return "a mapping of names" if parts[1] is object else f"a mapping of names, each to {in_words(parts[1])}"
    if origin is Callable:
        return "a function"
    return WORDS.get(kind, getattr(kind, "__name__", str(kind)))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
