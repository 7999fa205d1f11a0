"""Colour statistics that are given by changed settings are those of the data set in use. No torch."""

from collections.abc import Sequence
from typing import TypeVar

from attnmel.config.recipe import RunRecipe
from attnmel.errors import ConfigError

Kind = TypeVar("Kind", bound=RunRecipe)

GROUP = "data.statistics."
NUMBERS = ("mean", "std")
SOURCE = "given as data.statistics.mean and data.statistics.std"


def with_given_statistics(recipe: Kind, overrides: Sequence[str]) -> Kind:
    """Return a recipe whose `key=value` overrides hold a mean or std, which are then those of its data set.

    A recipe on another data set than its own would have them computed again in place of the numbers given.

    Raises:
        ConfigError: one of the two is missing on another data set, or the start weights' own are to be used.
    """
    keys = {one.partition("=")[0].strip().removeprefix(GROUP) for one in overrides if one.strip().startswith(GROUP)}
    data, statistics = recipe.data, recipe.data.statistics
    given = [name for name in NUMBERS if name in keys]
    if statistics is None or not given:
        return recipe
    if data.normalise_by == "weights":
        raise ConfigError(
            f"{GROUP}{given[0]} is given, but data.normalise_by = 'weights' takes the start weights' own; set "
            "data.normalise_by = 'dataset', or leave it out"
        )
    if len(given) < len(NUMBERS) and statistics.of != data.images_in_words and "of" not in keys:
        (missing,) = {*NUMBERS} - {*given}
        raise ConfigError(
            f"{GROUP}{given[0]} is given, but {GROUP}{missing} of the recipe is of {statistics.of}; give both for "
            f"{data.images_in_words}"
        )
    known = {"of": data.images_in_words, "source": SOURCE}
    named = statistics.model_copy(update={name: text for name, text in known.items() if name not in keys})
    return recipe.model_copy(update={"data": data.model_copy(update={"statistics": named})})
