"""`attnmel report`: one HTML file of one or more runs."""

from pathlib import Path
from typing import Annotated

import typer

from attnmel.cli.terminal import Home, Out, Terminal


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders; several stand side by side.")],
    split: Annotated[str, typer.Option(help="Judged split or external set to report.")] = "test",
    out: Out = None,
    home: Home = None,
) -> None:
    """Write a self-contained HTML report: what was run, measures, curves, hits and misses with attention maps."""
    from attnmel.pipeline.report.report import report_runs
    from attnmel.pipeline.run.run import Run

    terminal = Terminal()
    print(report_runs([Run(run, home, terminal) for run in runs], split=split, out=out))
