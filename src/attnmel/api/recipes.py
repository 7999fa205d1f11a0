"""A recipe as people name it, with changed settings -> the recipe to train. No torch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from attnmel.api.places import kind_of
from attnmel.config.load import AnyRecipe, changed_recipe, flat, is_fusion, load_run_recipe
from attnmel.config.overrides import key_of, of_recipe, override_text
from attnmel.errors import ConfigError
from attnmel.files.folders import RunFolder

Settings = Mapping[str, object] | Sequence[str]
"""Changed settings by dotted name, such as {"training.epochs": 20}, or as texts "training.epochs=20"."""


@dataclass(frozen=True)
class OpenedRecipe:
    """A recipe to train."""

    recipe: AnyRecipe
    given_run: RunFolder | None
    """The run that it was read from."""
    changed: tuple[str, ...]
    """The changed settings, which the parts of a fusion take too."""
    own: tuple[str, ...] = ()
    """Settings of a TOML file that are not the default ones, by their dotted names; none of a recipe that comes along,
    which is one of a family."""


def open_recipe(
    recipe: str | Path | AnyRecipe,
    settings: Settings = (),
    *,
    ablation: str | None = None,
    exclude: Path | None = None,
    allow_leakage: bool = False,
    columns: Mapping[str, str] | None = None,
    strict: bool = False,
) -> OpenedRecipe:
    """Read a recipe by its name, from a TOML file or a run folder, or take one that was read, and change settings.

    Raises:
        ConfigError: an unknown recipe, key or value, all problems at once.
        LabelError: an exclusion list that cannot be used.
    """
    from attnmel.data.audit.exclusions import excluding
    from attnmel.pipeline.run.run_location import read_recipe

    more: dict[str, object] = {"data.ablation": ablation} if ablation else {}
    more |= {"data.allow_leakage": True} if allow_leakage else {}
    more |= {"data.strict": True} if strict else {}
    more |= {"data.columns": dict(columns)} if columns else {}
    changed = [*overrides(settings), *overrides(more)]
    if not isinstance(recipe, str | Path | AnyRecipe):
        raise ConfigError(f"the recipe is {kind_of(recipe)}; expected its name, a TOML file, a run folder, or a Recipe")
    if not isinstance(recipe, str | Path):
        found = changed_recipe(recipe, changed)
        _refuse_unread_columns(found, changed)
        return OpenedRecipe(found if exclude is None else excluding(found, exclude), None, tuple(changed))
    name = str(recipe)
    given = RunFolder(Path(name)) if (Path(name) / RunFolder(Path()).recipe.name).is_file() else None
    if given:
        found = read_recipe(given, changed)
    else:
        # Of a fusion's recipe, its parts take the settings that it lacks.
        found = load_run_recipe(name, of_recipe(name, changed)[0] if is_fusion(name) else changed)
    _refuse_unread_columns(found, changed)
    own = tuple(flat(found.model_dump(exclude_defaults=True))) if Path(name).suffix == ".toml" else ()
    return OpenedRecipe(found if exclude is None else excluding(found, exclude), given, tuple(changed), own)


def _refuse_unread_columns(recipe: AnyRecipe, changed: Sequence[str]) -> None:
    """Refuse changed columns of a labels.csv where the recipe's data set has none of one's own."""
    if any(key_of(one).startswith("data.columns") for one in changed):
        from attnmel.data.datasets.read_dataset import refuse_unread_columns

        refuse_unread_columns(recipe.data.columns, recipe.data.dataset)


def overrides(settings: Settings) -> list[str]:
    """Return changed settings as texts `key=value`.

    Raises:
        ConfigError: a value that TOML does not know, or no settings at all.
    """
    if isinstance(settings, Mapping):
        return [override_text(key, value) for key, value in settings.items()]
    if isinstance(settings, str) or not isinstance(settings, Iterable):
        raise ConfigError(
            f"the settings are {kind_of(settings)}; expected a mapping as {{'training.epochs': 20}}, or a list of "
            "texts as ['training.epochs=20']"
        )
    return list(settings)
