"""`attnmel demo` and `doctor`: a first run of everything without a network, and what this machine has."""

from pathlib import Path
from typing import Annotated

from attnmel.cli.help import OUTPUT, TRAINING, option
from attnmel.cli.terminal import Home, Json, Terminal, print_json, print_table


def demo(
    out: Annotated[Path, option(OUTPUT, "Folder to write; new or empty.")] = Path("attnmel-demo"),
    seed: Annotated[int, option(TRAINING, "Random seed of the images and the training.", min=0)] = 0,
    as_json: Json = False,
) -> None:
    """Try everything on synthetic images, offline, in two minutes.

    Draws synthetic dermoscopy, trains AttnMel-CNN-Lesion on it, evaluates the network and writes the report.

    Example:
        attnmel demo --out attnmel-demo
    """
    from attnmel.compute.runtime import use_threads
    from attnmel.pipeline.demo import run_demo

    use_threads()
    results, report = run_demo(out, seed=seed, progress=Terminal())
    if as_json:
        print_json({"report": str(report), "results": results.as_dict()})
        return
    print(results.sentence)
    print_table(["", "measure", "value", "95 % interval"], results.table())
    print(f"\nreport: {report}")


def doctor(home: Home = None, as_json: Json = False) -> None:
    """Show versions, device, precision, threads and free disk space.

    Example:
        attnmel doctor
    """
    from attnmel.files.folders import home_folder
    from attnmel.pipeline.doctor import examine_machine

    found = examine_machine(home_folder(home))
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        print(f"{name:18} {value}")
