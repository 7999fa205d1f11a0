"""What of a run may leave this machine: settings, provenance and facts of its data without paths and addresses."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import tomli_w

from attnmel.config.load import AnyRecipe
from attnmel.data.datasets.read_dataset import set_name
from attnmel.data.datasets.sources import SOURCES
from attnmel.models.weights.start_weights import ADDRESS

KEPT_OF_DATA = ("dataset", "title", "licence", "labels", "splits")
"""Parts of a data set's fingerprint; not that of the images, since a user's copies may have another size."""

KEPT = ("notice", "licence", "seed", "versions", "precision", "start", "teacher", "recalibrated")
"""Parts of the provenance."""


def shared_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a data set's fingerprint without the addresses its files came from."""
    return {key: data[key] for key in KEPT_OF_DATA if key in data}


def shared_recipe(recipe: AnyRecipe) -> str:
    """Return a recipe as TOML, with the name of a file or folder in place of its path on this machine or its address.

    The ids of images of one's own that it leaves out are left out themselves.
    """
    if excludes_own_images(recipe):
        recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"exclude": ()})})
    return tomli_w.dumps(_without_paths(recipe.model_dump(exclude_none=True), _known(recipe)))


def excludes_own_images(recipe: AnyRecipe) -> bool:
    """Whether a recipe names images of data of one's own, which it leaves out."""
    return bool(recipe.data.exclude) and recipe.data.dataset not in SOURCES


def shared_provenance(provenance: Mapping[str, Any], recipe: AnyRecipe, command: str) -> dict[str, Any]:
    """Return where a run comes from, with another text for the command, which may hold paths.

    In a sentence a path with spaces is known by the run's recipe, which has it alone.
    """
    kept = {key: _without_paths(provenance[key], _known(recipe)) for key in KEPT if key in provenance}
    return {**kept, "command": command, "data": shared_data(provenance["data"])}


def _known(recipe: AnyRecipe) -> list[str]:
    """Return the paths and addresses of a recipe, the longest first."""
    return sorted(_paths(recipe.model_dump()), key=len, reverse=True)


def _paths(value: object) -> Iterator[str]:
    """Yield every text that is an absolute path, or an address, which may hold a path or a password."""
    if isinstance(value, str):
        if Path(value).is_absolute() or ADDRESS.match(value):
            yield value
    elif isinstance(value, dict | list | tuple):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _paths(one)


def _without_paths(value: Any, known: Sequence[str] = ()) -> Any:  # noqa: ANN401 - whatever TOML can hold
    if isinstance(value, dict):
        return {key: _without_paths(one, known) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_paths(one, known) for one in value]
    if not isinstance(value, str):
        return value
    for path in known:
        value = value.replace(path, _name_of(path))
    if Path(value).is_absolute():
        return Path(value).name
    return " ".join(Path(word).name if Path(word).is_absolute() else word for word in value.split(" "))


def _name_of(place: str) -> str:
    """Return the last part of a path or an address; of a folder of one's own images never a known data set."""
    return set_name(unquote(urlsplit(place).path) if ADDRESS.match(place) else place)
