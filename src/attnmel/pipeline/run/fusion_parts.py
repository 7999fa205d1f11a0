"""The recipe of a fusion -> the runs that it needs, and what `attnmel train` is given for each. No torch."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from attnmel.config.fusion import FusionRecipe
from attnmel.config.load import AnyRecipe, general_name, load_run_recipe, plain_name
from attnmel.config.overrides import key_of, of_recipe
from attnmel.errors import ConfigError
from attnmel.pipeline.run.run_location import new_run_folder

OWN = ("name", "title", "published", "fusion", "training.seed")
"""Settings of the fusion that are not passed on to its parts."""


PART = re.compile(r"\{part-\d+\}")
"""Stands in a setting of a part for the run folder of a part before it, whatever its fold, data or ablation are."""


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
        ConfigError: no parts, a part that is a fusion itself or names one that is not before it, or two in one folder.
    """
    if not recipe.fusion.parts:
        raise ConfigError(f"{recipe.name} is a fusion of what is there already; fuse it by `attnmel fuse`")
    passed = [one for one in overrides if not key_of(one).startswith(OWN)]
    seed = recipe.training.seed
    found: list[Part] = []
    places: list[Path] = []
    for part in recipe.fusion.parts:
        own = [_filled(one, recipe, out, places) for one in part.set]
        settings = [f"training.seed={seed}", *of_recipe(part.recipe, passed)[0], *own]
        if recipe.data.exclude:
            settings.append(f"data.exclude={json.dumps(recipe.data.exclude)}")
        settings += _named_after_data(part.recipe, settings, own)
        found.append(Part(part.recipe, tuple(settings), load_run_recipe(part.recipe, settings)))
        if isinstance(found[-1].recipe, FusionRecipe):
            raise ConfigError(f"{recipe.name}: its part {part.recipe} is a fusion itself; name that one's parts")
        places.append(new_run_folder(found[-1].recipe, out).path)
    if twice := [place for place in dict.fromkeys(places) if places.count(place) > 1]:
        raise ConfigError(f"{recipe.name}: two parts would share the run folder {twice[0]}; give one another name")
    return tuple(found)


def _filled(setting: str, recipe: FusionRecipe, out: Path, before: Sequence[Path]) -> str:
    """Return a setting of a part with what stands for the runs' folder, the seed, and the runs of parts before it."""
    text = setting.replace("{runs}", str(out)).replace("{seed}", str(recipe.training.seed))
    for number, place in enumerate(before, start=1):
        text = text.replace(f"{{part-{number}}}", str(place))
    if left := PART.search(text):
        known = ", ".join(f"{{part-{number}}}" for number in range(1, len(before) + 1)) or "none"
        raise ConfigError(
            f"{recipe.name}: {setting} of part {len(before) + 1} names {left[0]}, which is no part before it (known: "
            f"{known}); name one of these, or put that part first"
        )
    return text


def _named_after_data(name: str, settings: Sequence[str], own: Sequence[str]) -> tuple[str, ...]:
    """Return the name of a part on other data than its recipe's, where the part has a name of its own; else none.

    Without it the run would lie where that of the recipe's own data does.
    """
    if not {"name"} & {*map(key_of, own)}:
        return ()  # `load_run_recipe` names it after its data
    usual, now = load_run_recipe(name, own), load_run_recipe(name, settings)
    if usual.data.dataset == now.data.dataset or usual.name != now.name:
        return ()
    return (f"name={plain_name(now.data.dataset)}/{general_name(usual.name, usual.data.dataset)}",)


def part_notes(recipe: FusionRecipe, overrides: Sequence[str]) -> tuple[str, ...]:
    """Return a note on each changed setting that parts of a fusion set themselves."""
    keys = dict.fromkeys(key_of(one) for one in overrides)
    own = {key: [part.recipe for part in recipe.fusion.parts if key in map(key_of, part.set)] for key in keys}
    return tuple(
        f"{recipe.name}: {key} of {len(parts)} of its {len(recipe.fusion.parts)} parts stays as the recipe has it"
        for key, parts in own.items()
        if parts
    )
