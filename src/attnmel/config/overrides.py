"""Changed settings of several recipes -> those that concern one: each kind of run has settings of its own. No torch."""

from collections.abc import Iterator, Sequence

from attnmel.config.data_settings import Settings
from attnmel.config.fusion import FusionRecipe
from attnmel.config.load import AnyRecipe, load_run_recipe
from attnmel.config.recipe import Recipe
from attnmel.config.system import OF_NETWORKS, SystemRecipe

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


def _has(kind: type[Settings], key: str) -> bool:
    """Whether a kind of recipe has a setting; below a group of free names every key counts."""
    if kind is not Recipe and key in OF_NETWORKS:
        return False
    first, _, rest = key.partition(".")
    if first not in kind.model_fields:
        return False
    inner = kind.model_fields[first].annotation
    return not rest or not (isinstance(inner, type) and issubclass(inner, Settings)) or _has(inner, rest)
