"""Recipes of all kinds -> a JSON Schema, by which editors complete and check a recipe while it is written. No torch."""

import ast
import inspect
import itertools
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from attnmel.config.fusion import FusionRecipe
from attnmel.config.recipe import Recipe
from attnmel.config.segmenter import SegmenterRecipe
from attnmel.config.settings.data import Settings
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
    texts = _docstrings()
    definitions = {name: _described(one, texts.get(name, {})) for name, one in schema["$defs"].items()}
    places = [references[one, "validation"] for one in chosen]
    top = places[0] if len(places) == 1 else {"anyOf": places}
    title = f"Recipe of a {kind} of attnmel" if kind else "Recipe of attnmel"
    return {"$schema": DIALECT, "title": title, **top, "$defs": definitions}


def _described(schema: dict[str, Any], texts: dict[str, str]) -> dict[str, Any]:
    """Return the schema of a group of settings with a description of each setting."""
    for setting, own in schema.get("properties", {}).items():
        if setting in texts:
            own.setdefault("description", texts[setting])
    return schema


def _docstrings() -> dict[str, dict[str, str]]:
    """Return the docstring below each setting, by the name of the group of settings and of the setting."""
    return {
        one.__name__: {name: text for base in reversed(one.__mro__) for name, text in _own_docstrings(base).items()}
        for one in _groups(Settings)
    }


def _groups(of: type[Settings]) -> set[type[Settings]]:
    return {of}.union(*map(_groups, of.__subclasses__()))


def _own_docstrings(group: type) -> dict[str, str]:
    """Return the docstring below each setting that a class itself has."""
    return _of_module(group.__module__).get(group.__name__, {}) if group.__module__.startswith("attnmel.") else {}


@cache
def _of_module(name: str) -> dict[str, dict[str, str]]:
    """Return these docstrings of every class of a module; Python keeps them in the source alone."""
    body = ast.parse(inspect.getsource(sys.modules[name])).body
    return {one.name: dict(_texts(one)) for one in body if isinstance(one, ast.ClassDef)}


def _texts(group: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for setting, below in itertools.pairwise(group.body):
        text = below.value.value if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) else None
        if isinstance(setting, ast.AnnAssign) and isinstance(setting.target, ast.Name) and isinstance(text, str):
            yield setting.target.id, " ".join(text.split())
