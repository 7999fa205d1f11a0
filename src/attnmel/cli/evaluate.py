"""`attnmel evaluate`: measures of a run with intervals."""

from pathlib import Path
from typing import Annotated

import typer

from attnmel.cli.terminal import Home, Json, Terminal, print_json, print_table


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    on: Annotated[
        str | None,
        typer.Option(
            help="Another data set, or a folder with labels.csv [default: the run's own].", show_default=False
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="train, validation, test, internal or all [default: test; all of a folder].", show_default=False
        ),
    ] = None,
    exclude: Annotated[
        Path | None,
        typer.Option(
            help="Judge without the images that a list of `attnmel audit` names, beside the whole split.",
            show_default=False,
        ),
    ] = None,
    allow_leakage: Annotated[
        bool, typer.Option("--allow-leakage", help="Judge images that the run was trained on, too.")
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Judge a run: AP, AUC, sensitivity, specificity and balanced accuracy, each with its 95 % interval."""
    from attnmel.folders import RunFolder, home_folder
    from attnmel.pipeline.evaluate import evaluate_run
    from attnmel.runtime import use_threads

    use_threads()
    judged = evaluate_run(
        RunFolder(run),
        home=home_folder(home),
        on=on,
        split=split,
        exclude=exclude,
        allow_leakage=allow_leakage,
        progress=Terminal(),
    )
    if as_json:
        print_json(judged.as_dict())
        return
    print(judged.sentence)
    print_table(["", "measure", "value", "95 % interval"], judged.table())
    print(f"\npredictions: {RunFolder(run).predictions(judged.name)}")
    if judged.submission:
        print(f"submission:  {RunFolder(run).submission(judged.name)}\n             {judged.submission}")
