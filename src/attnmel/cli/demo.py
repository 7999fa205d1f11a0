"""`attnmel demo` and `doctor`: a first run of everything without a network, and what this machine has."""

from pathlib import Path
from typing import Annotated

import typer

from attnmel.cli.help import OUTPUT, TRAINING
from attnmel.cli.terminal import Home, Json, Terminal, print_json, print_table


def demo(
    out: Annotated[Path, typer.Option(help="Folder to write; new or empty.", rich_help_panel=OUTPUT)] = Path(
        "attnmel-demo"
    ),
    seed: Annotated[
        int, typer.Option(min=0, help="Random seed of the images and the training.", rich_help_panel=TRAINING)
    ] = 0,
) -> None:
    """Try everything on synthetic images, offline, in two minutes.

    Draws synthetic dermoscopy, trains AttnMel-CNN-Lesion on it, evaluates the network and writes the report.

    Example:
        attnmel demo --out attnmel-demo
    """
    from attnmel.pipeline.demo import run_demo
    from attnmel.runtime import use_threads

    use_threads()
    results, report = run_demo(out, seed=seed, progress=Terminal())
    print(results.sentence)
    print_table(["", "measure", "value", "95 % interval"], results.table())
    print(f"\nreport: {report}")


def doctor(home: Home = None, as_json: Json = False) -> None:
    """Show versions, device, precision, threads and free disk space.

    Example:
        attnmel doctor
    """
    from attnmel.folders import home_folder
    from attnmel.pipeline.doctor import examine

    found = examine(home_folder(home))
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        print(f"{name:18} {value}")
