"""Time until a fresh interpreter has imported the package, and until each command has shown its help.

    python benchmarks/prediction/start_up.py [--runs 9]

Medians of interleaved runs, start of Python included; beside them the bare interpreter, and a script that imports
typer and pydantic alone, which no help can be faster than. Wanted: `import attnmel` under 0.1 s over the bare
interpreter, each help under 0.3 s.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from attnmel.cli.app import app

IMPORT_WANTED, HELP_WANTED = 0.1, 0.3
BARE, LEAST, IMPORT = "python", "python, typer and pydantic", "import attnmel"


def commands(group: Any = None, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:  # noqa: ANN401 - typer keeps the type to itself
    """Give the words of every command, and of every group of them."""
    group = group or get_command(app)
    yield before
    for name, one in getattr(group, "commands", {}).items():
        yield from commands(one, (*before, name))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    chosen = parser.parse_args()
    starts = {BARE: ["-c", "pass"], LEAST: ["-c", "import typer, typer._adapters"], IMPORT: ["-c", "import attnmel"]}
    starts |= {" ".join(("attnmel", *words)): ["-m", "attnmel", *words, "--help"] for words in commands()}
    times: dict[str, list[float]] = {name: [] for name in starts}
    for run in range(chosen.runs + 1):
        for name, arguments in starts.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
            if run:  # the first reads the program from the disk
                times[name].append(time.perf_counter() - start)
    bare = statistics.median(times[BARE])
    print(f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}; medians of {chosen.runs} runs")
    for name, taken in times.items():
        wanted = f"; wanted: {bare + IMPORT_WANTED:.2f}" if name == IMPORT else ""
        wanted = f"; wanted: {HELP_WANTED}" if name.startswith("attnmel") else wanted
        print(f"{name:28} {statistics.median(taken):.3f} s ({min(taken):.3f} to {max(taken):.3f}){wanted}")


if __name__ == "__main__":
    main()
