"""Paths, names and runs as people hand them over: one of them, or several. No torch."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

from attnmel.errors import ConfigError

Place = str | Path
"""A path, or a name of `attnmel models`."""


def one_place(given: object, what: str, expected: str) -> Any:  # noqa: ANN401 - a run, a path or a text, as it is given
    """Return a path, a name or a run as it is.

    Raises:
        ConfigError: it is none of them.
    """
    if _is_place(given):
        if isinstance(given, os.PathLike) and not isinstance(given, PurePath):
            return Path(given)  # an entry of `os.scandir`, which str() does not make a path
        return given
    raise ConfigError(f"{what} is {kind_of(given)}; expected {expected}")


def places(given: object, what: str, expected: str) -> list[Any]:
    """Return several paths, names or runs as a list; a single one, even a text, as the only of it.

    Raises:
        ConfigError: something else, by itself or among several.
    """
    if _is_place(given):
        return [one_place(given, what, expected)]
    if isinstance(given, bytes | Mapping) or not isinstance(given, Iterable):
        raise ConfigError(f"{what} is {kind_of(given)}; expected {expected}, or a list of them")
    return [one_place(one, f"{what}[{place}]", expected) for place, one in enumerate(given)]


def optional_path(given: Place | None) -> Path | None:
    """Return a path that may be left out."""
    return None if given is None else Path(given)


def own_file(given: Place | None) -> Path | None:
    """Return the path of a file to write, which is new or was written by this program.

    Raises:
        ConfigError: there is a file of others, or a folder.
    """
    from attnmel.files.own_files import require_own_file

    path = optional_path(given)
    if path is not None:
        require_own_file(path)
    return path


def own_folder(given: Place | None) -> Path | None:
    """Return the path of a folder to write into.

    Raises:
        ConfigError: there is a file.
    """
    from attnmel.files.own_files import require_folder

    path = optional_path(given)
    if path is not None:
        require_folder(path)
    return path


def kind_of(thing: object) -> str:
    """Return "None", or of what type something is."""
    return "None" if thing is None else f"a value of the type {type(thing).__name__}"


def _is_place(given: object) -> bool:
    return isinstance(given, str | os.PathLike) or isinstance(getattr(given, "path", None), os.PathLike)
