"""Recipes of all kinds -> a JSON Schema, by which editors complete and check a recipe while it is written. No torch."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from attnmel.config.fusion import FusionRecipe
from attnmel.config.recipe import Recipe
from attnmel.config.segmenter import SegmenterRecipe
from attnmel.config.system import SystemRecipe
from attnmel.errors import require_known

DIALECT = "https://json-schema.org/draft/2020-12/schema"
KINDS: dict[str, type[BaseModel]] = {
    "network": Recipe,
    "system": SystemRecipe,
    "fusion": FusionRecipe,
    "segmenter": SegmenterRecipe,
}
"""Each kind of recipe by its name."""


def recipe_schema(kind: str | None = None) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of one kind of recipe, or without a kind of any recipe.

    Limits that concern several settings at once are not in it: `attnmel train` checks them.
    """
    if kind is not None:
        require_known("kind of recipe", kind, KINDS)
    chosen = [KINDS[kind]] if kind else list(KINDS.values())
    references, schema = models_json_schema([(one, "validation") for one in chosen])
    places = [references[one, "validation"] for one in chosen]
    top = places[0] if len(places) == 1 else {"anyOf": places}
    title = f"Recipe of a {kind} of attnmel" if kind else "Recipe of attnmel"
    return {"$schema": DIALECT, "title": title, **top, "$defs": schema["$defs"]}
