"""Wall time of `attnmel demo` in a fresh process.

    python benchmarks/prediction/demo.py [--runs 1]

Wanted: under two minutes on two cores, everything included. The demo's own output follows, because its test AUC should
be clearly above chance and below 1.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from attnmel.compute import runtime

WANTED = 120.0


def timed(*arguments: str) -> tuple[float, str]:
    """Return the seconds of one command from start to end, and what it printed."""
    program = str(Path(sys.executable).with_name("attnmel"))
    start = time.perf_counter()
    ran = subprocess.run([program, *arguments], check=True, capture_output=True, text=True)
    return time.perf_counter() - start, ran.stdout


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1)
    chosen = parser.parse_args()
    print(f"{runtime.device_name(torch.device('cpu'))}, torch {torch.__version__}")
    demos = []
    for _ in range(chosen.runs):
        with tempfile.TemporaryDirectory() as folder:
            demos.append(timed("demo", "--out", str(Path(folder) / "demo")))
    times = [seconds for seconds, _ in demos]
    print(f"{statistics.median(times):.2f} s ({min(times):.2f} to {max(times):.2f}); wanted: {WANTED:g}")
    print(demos[-1][1])


if __name__ == "__main__":
    main()
