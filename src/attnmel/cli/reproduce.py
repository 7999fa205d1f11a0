"""`attnmel reproduce`: a table of the thesis, row by row."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from attnmel.cli.terminal import Home, Json, Terminal, print_json
from attnmel.cli.train import Overrides


def reproduce(
    table: Annotated[str, typer.Argument(help="isic2016, isic2017 or isic2018.")],
    seeds: Annotated[int, typer.Option(min=1, help="Train each row this often, with seeds one after the other.")] = 1,
    rows: Annotated[
        str | None, typer.Option(help="Rows to train, e.g. mel-cnn,attnmel [default: all].", show_default=False)
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=1, help="Side of the input in pixels, to shrink the table.", show_default=False)
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Train on so many images, each class by its share.", show_default=False)
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Train so many epochs.", show_default=False)] = None,
    overrides: Overrides = None,
    segmenter: Annotated[
        Path | None,
        typer.Option(
            help="A trained segmenter for the rows with predicted masks [default: trained first, where there are no "
            "masks yet].",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the table and its runs [default: tables/TABLE].", show_default=False)
    ] = None,
    print_commands: Annotated[
        bool, typer.Option("--print-commands", help="Print one shell line a run, for a scheduler; run nothing.")
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Prepare, train and judge all rows of a table, then write it as Markdown, CSV, LaTeX and HTML.

    Finished runs are skipped, stopped ones go on; a row that fails is named at the end and does not stop the others.
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

    # Loads torch, which the lines above do without.
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
