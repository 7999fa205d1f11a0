"""`attnmel reproduce`: all rows of a table of the thesis."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from attnmel.cli.help import DATA, OUTPUT, TRAINING
from attnmel.cli.terminal import Home, Json, Terminal, print_json
from attnmel.cli.train import Overrides


def reproduce(
    table: Annotated[str, typer.Argument(help="isic2016, isic2017 or isic2018.")],
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds of each row.", rich_help_panel=TRAINING)] = 1,
    rows: Annotated[
        str | None,
        typer.Option(
            help="Rows to train, e.g. mel-cnn,attnmel [default: all].", show_default=False, rich_help_panel=TRAINING
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Input size in pixels, for a faster and smaller table.",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of training images, stratified by class.",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Number of training epochs.", show_default=False, rich_help_panel=TRAINING),
    ] = None,
    overrides: Overrides = None,
    segmenter: Annotated[
        Path | None,
        typer.Option(
            help="Trained segmenter for the rows with predicted masks [default: one is trained if there are no masks "
            "yet].",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the table and its runs [default: tables/TABLE].",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    print_commands: Annotated[
        bool,
        typer.Option(
            "--print-commands",
            help="Only print one command line for each run, for a job scheduler.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Train and evaluate all rows of a table of the thesis.

    The table is written as Markdown, CSV, LaTeX and HTML, next to the published figures. Finished runs are skipped and
    stopped ones continued; a row that fails is named at the end and does not stop the others.

    Example:
        attnmel reproduce isic2017 --seeds 3
    """
    from attnmel.errors import require_known
    from attnmel.evaluation.thesis.tables import TABLES
    from attnmel.pipeline.reproduce.jobs import TableOptions, command_lines, table_jobs

    require_known("table", table, TABLES)
    shrunken = {"data.size": size, "data.limit": limit, "training.epochs": epochs}
    options = TableOptions(
        plan=TABLES[table],
        out=out or Path("tables") / table,
        overrides=(*(f"{key}={value}" for key, value in shrunken.items() if value is not None), *(overrides or ())),
        seeds=seeds,
        rows=tuple(filter(None, (rows or "").replace(" ", "").split(","))),
        home=home,
        command=shlex.join(["attnmel", *sys.argv[1:]]),
        segmenter=segmenter,
    )
    if print_commands:
        print("\n".join(command_lines(table_jobs(options))))
        return

    # This loads torch, which printing commands does not need.
    from attnmel.pipeline.reproduce.run import reproduce as run_table
    from attnmel.report.html.table_texts import markdown

    done = run_table(options, Terminal())
    if as_json:
        print_json(done.as_dict())
    else:
        print(markdown(done.table))
        print(f"table: {', '.join(str(done.folder.table(form)) for form in ('md', 'csv', 'tex', 'html'))}")
    for name, reason in done.failures:
        print(f"error: {name}: {reason}", file=sys.stderr)
    if done.failures:
        raise typer.Exit(1)
