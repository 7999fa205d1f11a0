"""`attnmel verify`: is a data set whole and sound."""

from pathlib import Path
from typing import Annotated

import typer

from attnmel.cli.terminal import Home, Json, Terminal, print_json, print_table


def verify(
    datasets: Annotated[list[str], typer.Argument(help="Known data sets, or folders with labels.csv.")],
    out: Annotated[
        Path | None, typer.Option(help="Write a contact sheet of masks drawn on images: HTML.", show_default=False)
    ] = None,
    png: Annotated[Path | None, typer.Option(help="Write the contact sheet as one PNG.", show_default=False)] = None,
    sample: Annotated[int, typer.Option(min=0, help="Images of the sheet that are drawn at random.")] = 48,
    seed: Annotated[int, typer.Option(min=0, help="Draws them.")] = 0,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Look at every file of data sets: presence, counts, ids, labels, decodability, masks; exits 1 on an error."""
    from attnmel.data.verify import KINDS
    from attnmel.folders import home_folder
    from attnmel.pipeline.data.verify import FIRST, notes_on, summary_rows, verdict, verify_datasets

    found = verify_datasets(
        datasets, home=home_folder(home), html=out, png=png, sample=sample, seed=seed, progress=Terminal()
    )
    if as_json:
        print_json([one.as_dict() for one in found])
    else:
        for one in found:
            print(f"{one.title}: {verdict(one)}")
            print(f"  {', '.join(f'{count:,} {what}' for what, count in one.counts.items())}")
            rows = summary_rows(one)
            if rows:
                print_table(["found", "severity", "count"], [[kind, grave, count] for kind, count, grave, _ in rows])
                print()
            for kind, findings in one.by_kind().items():
                print(f"  {kind}: {KINDS[kind].hint}")
                for note in notes_on(findings, FIRST):
                    print(f"      {note}")
            print()
        for path in filter(None, (out, png)):
            print(f"contact sheet: {path}")
    if any(one.errors for one in found):
        raise typer.Exit(1)
