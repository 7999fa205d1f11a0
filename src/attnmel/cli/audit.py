"""`attnmel audit`: the same image, picture or lesion in two places, and labels that differ."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from attnmel.cli.terminal import Home, Json, Out, Terminal, print_json, print_table


def audit(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DATASET[:SPLIT]]...", help="Data sets, splits, folders.", show_default=False),
    ] = None,
    train: Annotated[
        list[str] | None,
        typer.Option(metavar="DATASET[:SPLIT]", help="What trains; with --test.", show_default=False),
    ] = None,
    test: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DATASET[:SPLIT]", help="What judges; exit code 1 if it leaks from --train.", show_default=False
        ),
    ] = None,
    embedding: Annotated[
        str, typer.Option(metavar="MODEL|random", help="Look at a trunk's embedding too.", show_default=False)
    ] = "",
    exclusions: Annotated[
        Path | None, typer.Option(help="Write the list of images to leave out, CSV.", show_default=False)
    ] = None,
    leave_out: Annotated[
        Literal["train", "test"], typer.Option(help="Of a leak, the image that the list names.")
    ] = "train",
    out: Out = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Find one id, file, picture or lesion in two places, and one picture with two labels."""
    from attnmel.folders import home_folder
    from attnmel.locks import hold_files
    from attnmel.pipeline.data.audit import audit_datasets
    from attnmel.pipeline.data.audit_output import as_dict, counts, list_exclusions, summary, write_page
    from attnmel.runtime import use_threads

    use_threads()
    with hold_files(out, exclusions):
        audited = audit_datasets(
            names or (),
            train=train or (),
            test=test or (),
            home=home_folder(home),
            embedding=embedding,
            progress=Terminal(),
        )
        if out is not None:
            write_page(audited, out)
        listed = "" if exclusions is None else list_exclusions(audited, exclusions, leave_out)
    if as_json:
        print_json(as_dict(audited))
    else:
        print(summary(audited))
        if rows := counts(audited):
            print_table(["kind", "between", "and", "pairs"], [[*map(str, row)] for row in rows])
        if out is not None:
            print(f"\npage: {out}")
        if exclusions is not None:
            print(f"exclusions: {exclusions} ({listed})")
    if audited.leaks:
        raise typer.Exit(1)
