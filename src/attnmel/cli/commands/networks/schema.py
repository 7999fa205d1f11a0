"""`attnmel schema`: what a recipe may contain, for editors."""

from typing import Annotated

import typer

from attnmel.cli.terminal import print_json


def schema(
    kind: Annotated[
        str | None, typer.Argument(help="network, system, fusion or segmenter [default: any of them].")
    ] = None,
) -> None:
    """Print the JSON Schema of recipes, for editors.

    With the line `#:schema FILE` at its top, a recipe is completed and checked while it is written
    (docs/how-to/python.md).

    Example:
        attnmel schema network
    """
    from attnmel.config.json_schema import recipe_schema

    print_json(recipe_schema(kind))
