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
    sensitivity: Annotated[
        list[float] | None,
        typer.Option(help="One more to aim at, beside 0.82, 0.89 and 0.95; repeatable.", show_default=False),
    ] = None,
    prevalence: Annotated[
        list[float] | None,
        typer.Option(help="One more to give the precision at, beside 0.02 and 0.1; repeatable.", show_default=False),
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Judge a run: AP, AUC, sensitivity, specificity and balanced accuracy, each with its 95 % interval.

    Operating points follow: thresholds that reach a sensitivity on the validation images, and what they reach here.
    """
    from attnmel.folders import RunFolder, home_folder
    from attnmel.pipeline.details import operating_table, read_details
    from attnmel.pipeline.evaluate import evaluate_run
    from attnmel.runtime import use_threads

    use_threads()
    judged = evaluate_run(
        RunFolder(run),
        home=home_folder(home),
        on=on,
        split=split,
        sensitivities=sensitivity or (),
        prevalences=prevalence or (),
        progress=Terminal(),
    )
    details = read_details(RunFolder(run), judged)
    if as_json:
        print_json(judged.as_dict() | {"operating": details.as_dict()["operating"] if details else []})
        return
    print(judged.sentence)
    print_table(["", "measure", "value", "95 % interval"], judged.table())
    for operating in details.operating if details else ():
        print(f"\n{operating.sentence}")
        print_table(*operating_table(operating))
    print(f"\npredictions: {RunFolder(run).predictions(judged.name)}")
    if judged.submission:
        print(f"submission:  {RunFolder(run).submission(judged.name)}\n             {judged.submission}")
