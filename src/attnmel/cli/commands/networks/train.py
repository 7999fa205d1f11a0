"""`attnmel train`: from a recipe to one run folder for each seed."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from attnmel.cli.completion import recipes
from attnmel.cli.help import DATA, OUTPUT, TRAINING, option
from attnmel.cli.terminal import Home, Json, Terminal, Threads, command_line, print_json
from attnmel.number_formats import fixed

Overrides = Annotated[
    list[str] | None,
    option(
        TRAINING,
        "Change one setting of the recipe, e.g. --set training.epochs=10; repeatable.",
        "--set",
        metavar="KEY=VALUE",
    ),
]

Columns = Annotated[
    list[str] | None,
    option(
        DATA,
        "How labels.csv calls its columns, e.g. --columns image=isic_id,label=target; a label of several columns of 0 "
        "and 1 is MEL+NV+BCC. Repeatable.",
        "--columns",
        metavar="NAME=COLUMN,...",
    ),
]
Strict = Annotated[bool, option(DATA, "Refuse rows of labels.csv without image, and images without row.", "--strict")]


def named_columns(columns: Sequence[str] | None) -> dict[str, str]:
    """Return the columns that `--columns`, given once or several times, names; none without it."""
    from attnmel.data.datasets.own.columns import parsed_columns

    return parsed_columns(",".join(columns)) if columns else {}


def train(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A recipe's name (isic2017/attnmel-lesion), a TOML file, or a run folder.", autocompletion=recipes
        ),
    ],
    overrides: Overrides = None,
    ablation: Annotated[
        Literal["background-only", "lesion-only", "shuffled-labels"] | None,
        option(
            DATA,
            "Ablation: train on images without the lesion, on the lesion alone, or on shuffled labels. "
            "The run folder is OUT/RECIPE/ABLATION/seed-SEED.",
        ),
    ] = None,
    exclude: Annotated[
        Path | None, option(DATA, "List of images to leave out, by `attnmel audit --exclusions`.")
    ] = None,
    allow_leakage: Annotated[
        bool, option(DATA, "Train although an image or lesion is in two splits.", "--allow-leakage")
    ] = False,
    columns: Columns = None,
    strict: Strict = False,
    seeds: Annotated[int, option(TRAINING, "Number of seeds; each gets a run folder.", min=1)] = 1,
    resume: Annotated[
        bool,
        option(TRAINING, "Continue runs that were stopped, also with more epochs or data that was moved.", "--resume"),
    ] = False,
    threads: Threads = None,
    out: Annotated[
        Path | None,
        option(OUTPUT, "Folder of the runs [default: runs; for a run folder as recipe, the folder it is in]."),
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Train a network, or fit features and SVMs, by a recipe.

    Each seed gets the run folder OUT/RECIPE/seed-SEED, with checkpoints, predictions and measures.

    Example:
        attnmel train isic2017/attnmel-lesion --seeds 3 --set training.epochs=20
    """
    from attnmel.api.recipes import open_recipe
    from attnmel.api.training import train_opened
    from attnmel.config.recipe import Recipe
    from attnmel.files.folders import home_folder
    from attnmel.pipeline.train.processes import run_together, starts_processes

    # Before torch is loaded, so that an error in a recipe shows at once.
    opened = open_recipe(
        recipe,
        overrides or (),
        ablation=ablation,
        exclude=exclude,
        allow_leakage=allow_leakage,
        columns=named_columns(columns),
        strict=strict,
    )
    if isinstance(opened.recipe, Recipe) and starts_processes(opened.recipe.training.devices):
        ended = run_together(sys.argv[1:], opened.recipe.training.devices)
        sys.stderr.write(ended.said)
        raise typer.Exit(ended.code)
    trained = train_opened(
        opened,
        seeds=seeds,
        out=out,
        home=home_folder(home),
        resume=resume,
        threads=threads,
        command=command_line(),
        progress=Terminal(),
    )
    if as_json and trained.seeds:
        print_json(trained.to_dict())
        return
    for one in trained.seeds:
        epoch = f"best epoch {one.best_epoch}, " if one.best_epoch is not None else ""
        print(f"{one.run.path}: {epoch}validation {one.measure} {fixed(one.value)}")
