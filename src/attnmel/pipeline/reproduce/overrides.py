"""Changed settings of a table -> those that concern a row; networks and fitted systems have others. No torch."""

from collections.abc import Iterator, Sequence

from attnmel.config.data_settings import Settings
from attnmel.config.load import load_run_recipe
from attnmel.config.recipe import Recipe
from attnmel.config.system import OF_NETWORKS, SystemRecipe


def of_row(row: str, overrides: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split `key=value` overrides into those that a row's recipe takes, and those that only the other kind has.

    A key that neither kind has is among the first, so that reading the recipe reports it.
    """
    own, other = (Recipe, SystemRecipe) if isinstance(load_run_recipe(row), Recipe) else (SystemRecipe, Recipe)
    left = [one for one in overrides if _has(other, key_of(one)) and not _has(own, key_of(one))]
    return [one for one in overrides if one not in left], left


def override_notes(rows: Sequence[str], overrides: Sequence[str]) -> Iterator[str]:
    """Yield a note on each row that some overrides do not concern."""
    for row in rows:
        if left := of_row(row, overrides)[1]:
            kind = "a network" if isinstance(load_run_recipe(row), Recipe) else "a fitted system"
            yield f"{row} is {kind}, which {', '.join(map(key_of, left))} does not concern"


def key_of(override: str) -> str:
    """Return the dotted key of `key=value`."""
    return override.partition("=")[0].strip()


def _has(kind: type[Settings], key: str) -> bool:
    """Whether a kind of recipe has a setting; below a group of free names every key counts."""
    if kind is SystemRecipe and key in OF_NETWORKS:
        return False
    first, _, rest = key.partition(".")
    if first not in kind.model_fields:
        return False
    inner = kind.model_fields[first].annotation
    return not rest or not (isinstance(inner, type) and issubclass(inner, Settings)) or _has(inner, rest)
