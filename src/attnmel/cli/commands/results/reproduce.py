"""`attnmel reproduce`: all rows of a table of the thesis."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from attnmel.cli.commands.networks.train import Overrides
from attnmel.cli.help import ADVANCED, DATA, OUTPUT, TRAINING, option
from attnmel.cli.terminal import Home, Json, Terminal, command_line, print_json


def reproduce(
    table: Annotated[str, typer.Argument(help="isic2016, isic2017 or isic2018.")],
    seeds: Annotated[int, option(TRAINING, "Number of seeds of each row.", min=1)] = 1,
    rows: Annotated[
        str | None, option(TRAINING, "Rows to train, e.g. mel-cnn,attnmel, or none [default: all].")
    ] = None,
    size: Annotated[
        int | None, option(DATA, "Input size in pixels, for a faster and smaller table [default: the recipe's].", min=1)
    ] = None,
    limit: Annotated[
        int | None, option(DATA, "Number of training images, stratified by class [default: all].", min=1)
    ] = None,
    epochs: Annotated[int | None, option(TRAINING, "Number of training epochs [default: the recipe's].", min=1)] = None,
    overrides: Overrides = None,
    given: Annotated[
        list[str] | None,
        option(
            DATA,
            "Row of predictions that are there already: a submission, a predictions file, a run, a folder of seeds, a "
            "fused folder or a model by its name, which was evaluated; repeatable.",
            "--row",
            metavar="NAME=PATH",
        ),
    ] = None,
    segmenter: Annotated[
        Path | None,
        option(
            DATA,
            "Trained segmenter for the rows with predicted masks [default: one is trained if there are no masks yet].",
        ),
    ] = None,
    out: Annotated[Path | None, option(OUTPUT, "Folder of the table and its runs [default: tables/TABLE].")] = None,
    print_commands: Annotated[
        bool, option(OUTPUT, "Only print one command line for each run, for a job scheduler.", "--print-commands")
    ] = False,
    engine: Annotated[
        Literal["local", "ray"],
        option(ADVANCED, "Where runs are trained: on this machine, or on the machines of a Ray cluster."),
    ] = "local",
    address: Annotated[
        str | None,
        option(
            ADVANCED,
            "Ray cluster [default: $RAY_ADDRESS, else the one of this machine].",
            metavar="HOST:PORT",
        ),
    ] = None,
    cpus: Annotated[float | None, option(ADVANCED, "CPUs of each run on the cluster [default: 1].", min=0)] = None,
    gpus: Annotated[float | None, option(ADVANCED, "GPUs of each run on the cluster [default: 0].", min=0)] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Train and evaluate all rows of a table of the thesis.

    The table is written as Markdown, CSV, LaTeX and HTML, next to the published figures. Finished runs are skipped and
    stopped ones continued; a row that fails is named at the end and does not stop the others.

    Example:
        attnmel reproduce isic2017 --seeds 3
    """
    from attnmel.api.tables import run_table, table_options
    from attnmel.errors import ConfigError
    from attnmel.pipeline.reproduce.jobs import command_lines, table_jobs

    chosen = tuple(filter(None, (rows or "").replace(" ", "").split(",")))
    if rows is not None and not chosen:
        raise ConfigError("--rows names no row; leave it out for all rows, or write --rows none for none")
    if print_commands and (engine != "local" or any(one is not None for one in (address, cpus, gpus))):
        raise ConfigError(
            "--print-commands runs nothing, so that --engine and its options have no effect; leave them out"
        )
    shrunken = {"data.size": size, "data.limit": limit, "training.epochs": epochs}
    options = table_options(
        table,
        [*(f"{key}={value}" for key, value in shrunken.items() if value is not None), *(overrides or ())],
        rows=chosen,
        given=given or (),
        seeds=seeds,
        segmenter=segmenter,
        out=out,
        home=home,
        command=command_line(),
    )
    if print_commands:
        lines = command_lines(table_jobs(options))
        if as_json:
            notes = [line for line in lines if line.startswith("#")]
            print_json({"commands": [line for line in lines if line not in notes], "notes": notes})
        else:
            print("\n".join(lines))
        return

    from attnmel.report.html.table_texts import markdown

    done = run_table(options, Terminal(), engine, address, cpus, gpus).found
    if as_json:
        print_json(done.as_dict())
    else:
        print(markdown(done.table))
        print(f"table: {', '.join(str(done.folder.table(form)) for form in ('md', 'csv', 'tex', 'html'))}")
    for name, reason in done.failures:
        print(f"error: {name}: {reason}", file=sys.stderr)
    if done.failures:
        raise typer.Exit(1)
