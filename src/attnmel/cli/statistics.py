"""`attnmel statistics`: the colour statistics of a data set's training split."""

import json
from typing import Annotated

import typer

from attnmel.cli.terminal import Home, Json, Terminal, print_json
from attnmel.cli.train import Overrides


def statistics(
    recipe: Annotated[str, typer.Argument(help="A recipe; its data set, crop and size decide.")],
    overrides: Overrides = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Compute and store mean and spread of RGB over the training images of a recipe's data set."""
    from attnmel.config.load import load_recipe
    from attnmel.folders import home_folder
    from attnmel.pipeline.run.dataset import prepare
    from attnmel.pipeline.run.normalisation import training_statistics

    settings = load_recipe(recipe, overrides or ())
    prepared = prepare(settings.data, home=home_folder(home), progress=Terminal())
    found = training_statistics(settings.data, prepared, Terminal())
    if as_json:
        print_json(found.model_dump())
        return
    of = json.dumps(found.of, ensure_ascii=False)  # a folder's name may hold what TOML wants escaped, as JSON does
    print(f"# {found.source}\n[data.statistics]\nof = {of}\nmean = {list(found.mean)}\nstd = {list(found.std)}")
