"""The recipe of a fusion -> the runs that it needs, and what `attnmel train` is given for each. No torch."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from attnmel.config.fusion import FusionRecipe
from attnmel.config.load import AnyRecipe, load_run_recipe
from attnmel.config.overrides import key_of, of_recipe
from attnmel.errors import ConfigError
from attnmel.pipeline.run.run_location import new_run_folder

OWN = ("name", "title", "published", "fusion", "training.seed")
"""Settings of the fusion that are not passed on to its parts."""


class Part(NamedTuple):
    """A run that a fusion needs: what `attnmel train` is given for it."""

    name: str
    """Of its recipe."""
    settings: tuple[str, ...]
    """`key=value`."""
    recipe: AnyRecipe


def part_recipes(recipe: FusionRecipe, out: Path, overrides: Sequence[str] = ()) -> tuple[AnyRecipe, ...]:
    """Return the recipes of the parts of a fusion.

    Raises:
        ConfigError: as `parts_of`.
    """
    return tuple(part.recipe for part in parts_of(recipe, out, overrides))


def parts_of(recipe: FusionRecipe, out: Path, overrides: Sequence[str] = ()) -> tuple[Part, ...]:
    """Return the parts of a fusion; each takes the changed settings that it has, but for those that it sets itself.

    Raises:
        ConfigError: no parts, a part that is a fusion itself, or two in one folder.
    """
    if not recipe.fusion.parts:
        raise ConfigError(f"{recipe.name} is a fusion of what is there already; fuse it by `attnmel fuse`")
    passed = [one for one in overrides if not key_of(one).startswith(OWN)]
    seed = recipe.training.seed
    found: list[Part] = []
    for part in recipe.fusion.parts:
        own = [one.replace("{runs}", str(out)).replace("{seed}", str(seed)) for one in part.set]
        settings = [f"training.seed={seed}", *of_recipe(part.recipe, passed)[0], *own]
        if recipe.data.exclude:
            settings.append(f"data.exclude={json.dumps(recipe.data.exclude)}")
        found.append(Part(part.recipe, tuple(settings), load_run_recipe(part.recipe, settings)))
        if isinstance(found[-1].recipe, FusionRecipe):
            raise ConfigError(f"{recipe.name}: its part {part.recipe} is a fusion itself; name that one's parts")
    places = [new_run_folder(one.recipe, out).path for one in found]
    if twice := [place for place in dict.fromkeys(places) if places.count(place) > 1]:
        raise ConfigError(f"{recipe.name}: two parts would share the run folder {twice[0]}; give one another name")
    return tuple(found)


def part_notes(recipe: FusionRecipe, overrides: Sequence[str]) -> tuple[str, ...]:
    """Return a note on each changed setting that parts of a fusion set themselves."""
    keys = dict.fromkeys(key_of(one) for one in overrides)
    own = {key: [part.recipe for part in recipe.fusion.parts if key in map(key_of, part.set)] for key in keys}
    return tuple(
        f"{recipe.name}: {key} of {len(parts)} of its {len(recipe.fusion.parts)} parts stays as the recipe has it"
        for key, parts in own.items()
        if parts
    )
