"""`attnmel score`: official measures of anyone's predictions."""

from pathlib import Path
from typing import Annotated

import typer

from attnmel.cli.terminal import Home, Json, print_json, print_table


def score(
    dataset: Annotated[str, typer.Argument(help="isic2016, isic2017, isic2018 or isic2018-task1.")],
    predictions: Annotated[
        Path, typer.Argument(help="A CSV in the official submission format; a folder of masks for isic2018-task1.")
    ],
    truth: Annotated[
        Path | None,
        typer.Option(
            help="The true classes or masks, in the official format [default: the fetched test split].",
            show_default=False,
        ),
    ] = None,
    rule: Annotated[
        list[str] | None,
        typer.Option(
            help="Change a rule: excluded=ISIC_0035068,... (or nothing), ties=wrong|first, "
            "threshold=above|at_or_above, undefined=one|nan|zero, ap=step|trapezoid.",
            show_default=False,
        ),
    ] = None,
    resamples: Annotated[int, typer.Option(min=1, help="Bootstrap resamples of the intervals.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Of the resamples.")] = 0,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Score a submission to an ISIC challenge: its official measures, each with its 95 % interval."""
    from attnmel.folders import home_folder
    from attnmel.pipeline.evaluate import score as scoring

    judged = scoring.score(
        dataset,
        predictions,
        home=home_folder(home),
        truth=truth,
        rules=rule or (),
        resamples=resamples,
        seed=seed,
    )
    if as_json:
        print_json(scoring.as_dict(judged))
        return
    print(scoring.sentence(judged))
    print_table(["", "measure", "value", "95 % interval"], scoring.table(judged))
