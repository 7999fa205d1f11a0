"""`attnmel evaluate`: measures of a run with intervals."""

from pathlib import Path
from typing import Annotated

import typer

from attnmel.cli.model_names import NAME, judged_run
from attnmel.cli.terminal import Home, Json, Terminal, print_json, print_table


def evaluate(
    run: Annotated[str, typer.Argument(help=f"A run folder, or {NAME}.")],
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
    out: Annotated[
        Path | None,
        typer.Option(
            help="Run folder to make of a model that comes along, and to write into [default: runs/NAME].",
            show_default=False,
        ),
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Judge a run: AP, AUC, sensitivity, specificity and balanced accuracy, each with its 95 % interval.

    The official measures of the data set's challenge follow, as `attnmel score` gives them, then operating points:
    thresholds that reach a sensitivity on the validation images, and what they reach here.
    """
    from attnmel.pipeline.evaluate.evaluate import evaluate_run
    from attnmel.pipeline.evaluate.score import sentence, table
    from attnmel.pipeline.run.results_details import operating_table
    from attnmel.pipeline.run.run import Run
    from attnmel.runtime import use_threads

    use_threads()
    folder = judged_run(run, out, on, split)
    opened = Run(folder, home, Terminal())
    judged = evaluate_run(
        opened,
        on=on,
        split=split,
        sensitivities=sensitivity or (),
        prevalences=prevalence or (),
        exclude=exclude,
        allow_leakage=allow_leakage,
    )
    details = opened.details(judged)
    if as_json:
        print_json(judged.as_dict() | {"details": details.as_dict() if details else None})
        return
    print(judged.sentence)
    print_table(["", "measure", "value", "95 % interval"], judged.table())
    if details and details.official:
        print(f"\n{sentence(details.official)}")
        print_table(["", "measure", "value", "95 % interval"], table(details.official))
    for operating in details.operating if details else ():
        print(f"\n{operating.sentence}")
        print_table(*operating_table(operating))
    print(f"\npredictions: {folder.predictions(judged.name)}")
    if judged.submission:
        print(f"submission:  {folder.submission(judged.name)}\n             {judged.submission}")
