"""Wall time of `attnmel demo` and of each command's help, each in a fresh process.

    python benchmarks/demo.py [--runs 1] [--help-runs 5]

Wanted: the demo under two minutes on two cores, everything included; each help under 0.3 s. The demo's own output
follows, because its test AUC should be clearly above chance and below 1.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from attnmel import runtime
from attnmel.cli.app import app

DEMO_WANTED, HELP_WANTED = 120.0, 0.3


def timed(*arguments: str) -> tuple[float, str]:
    """Return the seconds of one command from start to end, and what it printed."""
    program = str(Path(sys.executable).with_name("attnmel"))
    start = time.perf_counter()
    ran = subprocess.run([program, *arguments], check=True, capture_output=True, text=True)
    return time.perf_counter() - start, ran.stdout


def line(name: str, times: list[float], wanted: float) -> str:
    """Return median and range as text."""
    return f"{name:28} {statistics.median(times):7.2f} s ({min(times):.2f} to {max(times):.2f}); wanted: {wanted:g}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--help-runs", type=int, default=5)
    chosen = parser.parse_args()
    print(f"{runtime.device_name(torch.device('cpu'))}, torch {torch.__version__}")
    names = [command.name or str(getattr(command.callback, "__name__", "")) for command in app.registered_commands]
    for name in ("", *names):
        arguments = [name, "--help"] if name else ["--help"]
        timed(*arguments)  # the first reads the program from the disk
        times = [timed(*arguments)[0] for _ in range(chosen.help_runs)]
        print(line(" ".join(["attnmel", *arguments]), times, HELP_WANTED))
    demos = []
    for _ in range(chosen.runs):
        with tempfile.TemporaryDirectory() as folder:
            demos.append(timed("demo", "--out", str(Path(folder) / "demo")))
    if demos:
        print(line("attnmel demo", [seconds for seconds, _ in demos], DEMO_WANTED))
        print(demos[-1][1])


if __name__ == "__main__":
    main()
