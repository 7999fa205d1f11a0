"""`attnmel demo`: from synthetic dermoscopy to a report, offline."""

from pathlib import Path
from typing import Annotated

import typer

from attnmel.cli.terminal import Terminal, print_table


def demo(
    out: Annotated[Path, typer.Option(help="Where to write; must not hold anything else.")] = Path("attnmel-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Draws the phantoms and the training.")] = 0,
) -> None:
    """Draw phantoms, train AttnMel-CNN-Lesion on them, judge it and write the report: no network, under two minutes."""
    from attnmel.pipeline.demo import run_demo
    from attnmel.runtime import use_threads

    use_threads()
    judged, report = run_demo(out, seed=seed, progress=Terminal())
    print(judged.sentence)
    print_table(["", "measure", "value", "95 % interval"], judged.table())
    print(f"\nreport: {report}")
