"""`attnmel compare`: whether runs differ on the same images."""

from pathlib import Path
from typing import Annotated

import typer

from attnmel.cli.terminal import Json, print_json, print_table


def compare(
    runs: Annotated[
        list[Path], typer.Argument(help="Run folders, folders of seed-* runs (a recipe), or predictions files.")
    ],
    split: Annotated[str, typer.Option(help="Judged split or external set to compare on.")] = "test",
    operating_point: Annotated[
        float | None,
        typer.Option(
            help="Sensitivity on validation that each run's threshold is chosen for [default: threshold 0.5].",
            show_default=False,
        ),
    ] = None,
    positive: Annotated[
        list[str] | None,
        typer.Option(help="Class judged against the rest, more than once for several [default: the recipes']."),
    ] = None,
    measure: Annotated[
        list[str] | None,
        typer.Option(help="Measure to compare, more than once for several; fewer are corrected less [default: all]."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare runs on the same images: paired tests, intervals, Holm's correction, seeds summed up, plain sentences."""
    from attnmel.pipeline.evaluate.compare import compare_runs
    from attnmel.report.sections.comparison import difference_table, method_words, sentences, summary_table

    found = compare_runs(
        runs, split=split, operating_point=operating_point, positives=positive or (), measures=measure or ()
    )
    if as_json:
        print_json(found.as_dict())
        return
    comparison = found.comparison
    counts = ", ".join(f"{count} {name}" for name, count in comparison.positives)
    at = f"at sensitivity {operating_point:g} on validation" if operating_point else "at threshold 0.5"
    print(f"{split}: {comparison.images} images ({counts}), {at}")
    summary = summary_table(comparison)
    tables = [summary] if summary else []
    pairs = dict.fromkeys((one.first, one.second) for one in comparison.differences)
    tables += [difference_table(comparison, *pair) for pair in pairs]
    for table in tables:
        print(f"\n{table.caption}")
        print_table(table.heads, table.rows)
    print()
    for sentence in sentences(comparison):
        print(sentence)
    for note in (*found.notes, *comparison.notes, method_words(comparison)):
        print(f"note: {note}")
