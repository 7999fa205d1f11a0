"""Changed settings of several recipes -> those that concern one: each kind of run has settings of its own. No torch."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral, Real

from attnmel.config.fusion import FusionRecipe
from attnmel.config.load import AnyRecipe, load_run_recipe
from attnmel.config.recipe import Recipe
from attnmel.config.settings.data import Settings
from attnmel.config.system import OF_NETWORKS, SystemRecipe
from attnmel.errors import ConfigError

KINDS: dict[type[AnyRecipe], str] = {
    Recipe: "a network",
    SystemRecipe: "a fitted system",
    FusionRecipe: "a fusion of other runs",
}


def of_recipe(name: str, overrides: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split `key=value` overrides into those that a recipe takes, and those that only recipes of other kinds have.

    A key that no kind has is among the first, so that reading the recipe reports it.
    """
    own = type(load_run_recipe(name))
    others = [kind for kind in KINDS if kind is not own]
    left = [
        one for one in overrides if not _has(own, key_of(one)) and any(_has(other, key_of(one)) for other in others)
    ]
    return [one for one in overrides if one not in left], left


def override_notes(names: Sequence[str], overrides: Sequence[str]) -> Iterator[str]:
    """Yield a note on each recipe that some overrides do not concern; those of a fusion go to its parts."""
    for name in names:
        kind = type(load_run_recipe(name))
        if kind is not FusionRecipe and (left := of_recipe(name, overrides)[1]):
            yield f"{name} is {KINDS[kind]}, which {', '.join(map(key_of, left))} does not concern"


def key_of(override: str) -> str:
    """Return the dotted key of `key=value`."""
    return override.partition("=")[0].strip()


def override_text(key: str, value: object) -> str:
    """Return a changed setting as `key=value`, the value in TOML.

    Raises:
        ConfigError: a value that TOML does not know.
    """
    try:
        return f"{key}={_toml(value)}"
    except TypeError:
        raise ConfigError(
            f"{key} is {value!r}, which no setting takes; expected a text, number, truth value, list or mapping"
        ) from None


def _toml(value: object) -> str:
    if type(value).__name__ in ("bool", "bool_"):  # also numpy's
        return str(bool(value)).lower()
    if isinstance(value, Integral):
        return repr(int(value))
    if isinstance(value, Real):
        return repr(float(value))
    if isinstance(value, str | os.PathLike):
        return json.dumps(os.fspath(value), ensure_ascii=False)
    if isinstance(value, Mapping):
        pairs = [f"{json.dumps(str(name), ensure_ascii=False)} = {_toml(one)}" for name, one in value.items()]
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_toml, value))}]"
    plain = getattr(value, "tolist", None)  # an array of numpy
    if callable(plain):
        return _toml(plain())
    raise TypeError


def _has(kind: type[Settings], key: str) -> bool:
    """Whether a kind of recipe has a setting; below a group of free names every key counts."""
    if kind is not Recipe and any(f"{key}.".startswith(f"{one}.") for one in OF_NETWORKS):
        return False
    first, _, rest = key.partition(".")
    if first not in kind.model_fields:
        return False
    inner = kind.model_fields[first].annotation
    return not rest or not (isinstance(inner, type) and issubclass(inner, Settings)) or _has(inner, rest)
