"""Recipes: settings read from TOML, changed by `--set key=value`, checked before anything runs. No torch."""

import os
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from attnmel.config.fusion import FUSION, FusionRecipe
from attnmel.config.given_statistics import with_given_statistics
from attnmel.config.problems import problem
from attnmel.config.recipe import Recipe, Settings
from attnmel.config.segmenter import SegmenterRecipe
from attnmel.config.system import FEATURES, SystemRecipe
from attnmel.errors import ConfigError, require_known

SEGMENTER = "segmenter.toml"
"""The shipped recipe of the segmenter; not in the folder of the recipes, which are all of classifiers."""

Kind = TypeVar("Kind", bound=Settings)

LONGEST_DATASET = 60
"""Letters of a data set's name in the name of a recipe."""

OF_THE_MACHINE = ("training.threads", "training.log")
"""Settings that do not make another recipe: they are chosen for the machine."""

LONGEST_LISTED = 10
"""Names of a list that are written out."""


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with the program."""
    return sorted(name for name, _ in _shipped(resources.files("attnmel") / "recipes"))


AnyRecipe = Recipe | SystemRecipe | FusionRecipe
"""The recipe of a run: of a network, of a fitted system, or of a fusion of other runs."""

OneKind = TypeVar("OneKind", Recipe, SystemRecipe, FusionRecipe)


def load_recipe(name: str, overrides: Sequence[str] = ()) -> Recipe:
    """Read the recipe of a network, as `load_run_recipe`.

    Raises:
        ConfigError: also the recipe of a fitted system.
    """
    return network_recipe(load_run_recipe(name, overrides))


def load_run_recipe(name: str, overrides: Sequence[str] = ()) -> AnyRecipe:
    """Read a recipe by its name or from a TOML file, then apply `key=value` overrides.

    A key is dotted (`training.epochs`); a value is TOML, or else taken as text. A recipe on another data set than its
    own is named after that: `isic2017/attnmel` with `data.dataset=/data/clinic` is `clinic/attnmel`.

    Raises:
        ConfigError: an unknown recipe, key or value, all problems at once.
    """
    settings = _read_toml(name)
    own = (settings.get("data", {}).get("dataset"), settings.get("name"))
    recipe = with_given_statistics(make_run_recipe(_overridden(settings, overrides)), overrides)
    return _named_after_data(recipe, *own)


def changed_recipe(recipe: AnyRecipe, overrides: Sequence[str]) -> AnyRecipe:
    """Return a recipe that was read before with `key=value` overrides; named after its data set as `load_run_recipe`.

    What was given before stays, also where it is a default: a trunk's own padding would else take its place.

    Raises:
        ConfigError: an unknown key or value, all problems at once.
    """
    if not overrides:
        return recipe
    settings = _overridden(recipe.model_dump(exclude_unset=True), overrides)
    changed = with_given_statistics(_checked(type(recipe), settings), overrides)
    return _named_after_data(changed, recipe.data.dataset, recipe.name)


def is_fusion(name: str) -> bool:
    """Whether a recipe, by its name or a TOML file, is that of a fusion.

    Raises:
        ConfigError: an unknown recipe.
    """
    return FUSION in _read_toml(name)


def network_recipe(recipe: AnyRecipe) -> Recipe:
    """Return the recipe of a network as it is.

    Raises:
        ConfigError: that of a fitted system or a fusion.
    """
    if isinstance(recipe, Recipe):
        return recipe
    if isinstance(recipe, FusionRecipe):
        raise ConfigError(
            f"{recipe.name} is a fusion of predictions, not a network; `predict`, `evaluate`, `compare` and `report` "
            "take it"
        )
    raise ConfigError(
        f"{recipe.name} is a fitted system of features and SVMs, not a network; `train`, `predict`, `evaluate`, "
        "`compare` and `report` take it"
    )


def with_seeds(recipe: OneKind, count: int) -> Iterator[OneKind]:
    """Give the recipe with its own seed and those that follow."""
    for seed in range(recipe.training.seed, recipe.training.seed + count):
        yield recipe.model_copy(update={"training": recipe.training.model_copy(update={"seed": seed})})


def _named_after_data(recipe: AnyRecipe, dataset: object, name: object) -> AnyRecipe:
    """Return a recipe with the name of its data set in place of the one before, unless it has a new name already."""
    if not isinstance(dataset, str) or recipe.data.dataset == dataset or recipe.name != name:
        return recipe
    return recipe.model_copy(update={"name": f"{plain_name(recipe.data.dataset)}/{general_name(recipe.name, dataset)}"})


def general_name(name: str, dataset: str) -> str:
    """Return a recipe's name without the data set that it begins with: "attnmel" of "isic2017/attnmel"."""
    return name.removeprefix(f"{plain_name(dataset)}/")


def plain_name(dataset: str) -> str:
    """Return a data set's name, or the name of its folder, in the letters that the name of a recipe may have."""
    words = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(os.path.normpath(dataset)).name).strip("-")
    return words[:LONGEST_DATASET] or "own-images"


def make_run_recipe(settings: dict[str, Any]) -> AnyRecipe:
    """Check a nested dictionary and freeze it.

    The settings of a fitted system are known by their `features`, those of a fusion by their `fusion`.

    Raises:
        ConfigError: lists every problem, and the known keys where one is not known.
    """
    if FUSION in settings:
        return _checked(FusionRecipe, settings)
    return _checked(SystemRecipe if FEATURES in settings else Recipe, settings)


def load_segmenter_recipe(path: Path | None = None, overrides: Sequence[str] = ()) -> SegmenterRecipe:
    """Read the recipe of a segmenter, the shipped one or a TOML file, then apply `key=value` overrides.

    Raises:
        ConfigError: an unknown key or value, all problems at once.
    """
    shipped = resources.files("attnmel") / "config" / SEGMENTER
    text = shipped.read_text(encoding="utf-8") if path is None else _read_text(path)
    settings = _parsed(text, SEGMENTER if path is None else str(path))
    return _checked(SegmenterRecipe, _overridden(settings, overrides))


def _checked(kind: type[Kind], settings: dict[str, Any]) -> Kind:
    try:
        return kind.model_validate(settings)
    except ValidationError as error:
        problems = [problem(kind, dict(one)) for one in error.errors()]
        raise ConfigError("; ".join(problems)) from None


def changes(recipe: AnyRecipe) -> tuple[str, ...]:
    """Return the settings that differ from the shipped recipe of the same name; none where none is shipped.

    On other data the shipped recipe is the one with the same published row and the same name after the data set's. The
    name, the seed, and values that were only resolved (colour statistics, the precision behind "auto"), do not count.
    """
    shipped_name = _shipped_name(recipe)
    if shipped_name is None:
        return ()
    return tuple(
        f"{key} {_short(own)} instead of {_short(shipped)}"
        for key, (own, shipped) in differing_settings(recipe, load_run_recipe(shipped_name)).items()
        if shipped != "auto" and not key.startswith(("name", "data.statistics", "training.seed"))
    )


def _shipped_name(recipe: AnyRecipe) -> str | None:
    names = recipe_names()
    if recipe.name in names:
        return recipe.name
    general = general_name(recipe.name, recipe.data.dataset)
    alike = [name for name in names if name.endswith(f"/{general}")]
    return next((name for name in alike if load_run_recipe(name).published == recipe.published), None)


def _short(value: object) -> object:
    """Return a value for a sentence: a long list by its length."""
    return f"of {len(value)} names" if isinstance(value, tuple) and len(value) > LONGEST_LISTED else value


def differing_settings(one: Settings, other: Settings) -> dict[str, tuple[Any, Any]]:
    """Return the settings that differ between two recipes, by dotted name; None where one of them lacks it.

    Those that are chosen for the machine, such as threads, do not count.
    """
    own, theirs = flat(one.model_dump()), flat(other.model_dump())
    every = sorted((own | theirs).keys() - set(OF_THE_MACHINE))
    return {key: (own.get(key), theirs.get(key)) for key in every if own.get(key) != theirs.get(key)}


def flat(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings by dotted name."""
    rows: dict[str, Any] = {}
    for key, value in settings.items():
        rows |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return rows


def _shipped(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _shipped(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".toml"):
            yield prefix + entry.name.removesuffix(".toml"), entry


def _read_toml(name: str) -> dict[str, Any]:
    path = Path(name)
    if path.suffix == ".toml":
        text = _read_text(path)
    else:
        shipped = dict(_shipped(resources.files("attnmel") / "recipes"))
        _require_recipe(name, shipped)
        text = shipped[name].read_text(encoding="utf-8")
    return _parsed(text, name)


def _require_recipe(name: str, shipped: Mapping[str, object]) -> None:
    """Refuse what is no name of a recipe, with what it is instead: a folder, or a data set with recipes of its own."""
    if own := sorted(one for one in shipped if one.startswith(f"{name}/")):
        raise ConfigError(f"unknown recipe '{name}'; those of that data set are {', '.join(own)}")
    if name not in shipped and Path(name).is_dir():
        from attnmel.files.seeds import runs_below  # with platformdirs, which no recipe needs

        advice = runs_below(Path(name)) or f"; a folder of images is named by --set data.dataset={shlex.quote(name)}"
        raise ConfigError(f"{name} is a folder, not a recipe{advice}")
    require_known("recipe", name, shipped)


def _parsed(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits, and endless brackets
        raise ConfigError(f"{name} is not TOML: {error}") from None


def _read_text(path: Path) -> str:
    if not path.is_file():
        raise ConfigError(f"no recipe file {path}; expected a TOML file there, or a recipe's name without .toml")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not TOML: not UTF-8 text ({error})") from None


def _overridden(settings: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return the settings, changed in place."""
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set takes key=value, got '{override}'")
        *groups, last = key.strip().split(".")
        target = settings
        for group in groups:
            target = target.setdefault(group, {})
            if not isinstance(target, dict):
                raise ConfigError(f"--set {key}: '{group}' is a value, it has no keys")
        target[last] = toml_value(text.strip())
    return settings


def toml_value(text: str) -> object:
    """Return the value of a text of TOML; what is none is a text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text
