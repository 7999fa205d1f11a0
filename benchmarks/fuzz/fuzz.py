"""Give damaged files to every reader of the program, and keep those that end otherwise than in a result or a sentence.

    python benchmarks/fuzz/fuzz.py FOLDER BASE [--inputs 100000] [--only labels,png] [--minutes 60] [--first 0]

BASE is the folder `base` that `benchmarks/reliability/kill.py` makes: its files, and those of tests/strangers, are
damaged. The readers run in a forked process with a limit on memory and an alarm; a traceback, a crash, more than 10 s
or 2 GB more than before is a failure, whose input is kept in FOLDER/failures with what happened. FOLDER/done.csv counts
the inputs; a stopped campaign goes on with the next ones. Inputs are drawn by their number: another campaign that
begins at another `--first` reads other ones.
"""

import argparse
import contextlib
import csv
import json
import os
import random
import resource
import signal
import sys
import time
import traceback
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2]))

from attnmel.errors import AttnmelError
from fuzz_mutations import damaged
from fuzz_targets import Target, make_targets

SECONDS = 10
"""Of a processor, after which a reader hangs."""
MEMORY = 2 << 30
"""Bytes that a reader may ask for beyond what the process has."""
BATCH = 400


def as_expected(error: BaseException) -> bool:
    """Whether an error ends in a sentence: the program's own, or one of the system about a file."""
    return isinstance(error, AttnmelError) or (isinstance(error, OSError) and error.errno is not None)


def _work(target: Target, first: int, count: int, place: Path, told: int) -> None:
    """Read inputs one after another; write the number of each before, and each failure after."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MEMORY, MEMORY))
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    for number in range(first, first + count):
        content = input_of(target, number)
        os.write(told, json.dumps({"at": number}).encode() + b"\n")
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        signal.setitimer(signal.ITIMER_REAL, 6 * SECONDS)  # a machine with other work
        try:
            target.read(place, content)
        except BaseException as error:  # noqa: BLE001 - what must not happen is told
            if not as_expected(error):
                frames = "".join(traceback.format_exception(error))[-1500:]
                os.write(told, json.dumps({"failed": number, "how": frames}).encode() + b"\n")
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
    os.write(told, json.dumps({"at": first + count}).encode() + b"\n")
    os._exit(0)


def input_of(target: Target, number: int) -> bytes:
    """Return the input of a number, always the same for the same seeds."""
    chance = random.Random(f"{target.name} {number}")
    return damaged(chance.choice(target.seeds), target.seeds, target.kind, chance)


def batch(target: Target, first: int, count: int, place: Path) -> tuple[int, list[tuple[int, str]]]:
    """Read some inputs in a process of its own; return the number after the last, and the failures."""
    there, told = os.pipe()
    process = os.fork()
    if not process:
        os.close(there)
        try:
            _work(target, first, count, place, told)
        except BaseException:  # noqa: BLE001 - of this script, such as damage that cannot be done
            os.write(told, json.dumps({"broken": traceback.format_exc()}).encode() + b"\n")
        finally:
            os._exit(1)
    os.close(told)
    with os.fdopen(there) as file:
        lines = [json.loads(line) for line in file if line.endswith("\n")]
    _, status = os.waitpid(process, 0)
    failures = [(line["failed"], line["how"]) for line in lines if "failed" in line]
    at = next((line["at"] for line in reversed(lines) if "at" in line), first)
    if at < first + count:
        code = os.waitstatus_to_exitcode(status)
        how = next((line["broken"] for line in lines if "broken" in line), f"the process ended with {code}")
        failures.append((at, how))
        at += 1
    return at, failures


class Done:
    """How many inputs of each target were read, in FOLDER/done.csv."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.inputs: Counter[str] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        if path.exists():
            with path.open(newline="") as file:
                for name, inputs, seconds in csv.reader(file):
                    self.inputs[name] += int(inputs)
                    self.seconds[name] += float(seconds)

    def add(self, name: str, inputs: int, seconds: float) -> None:
        """Count more."""
        self.inputs[name] += inputs
        self.seconds[name] += seconds
        with self.path.open("a", newline="") as file:
            csv.writer(file).writerow([name, inputs, f"{seconds:.2f}"])


def keep(folder: Path, target: Target, number: int, how: str) -> bool:
    """Keep the input of a failure, unless one of the same last line and place is there; return whether it is new."""
    lines = [line.strip() for line in how.strip().splitlines()]
    places = [line for line in lines if line.startswith("File")]
    mark = "|".join([*places[-1:], lines[-1].partition(":")[0]])
    known = folder / "failures" / f"{target.name}.txt"
    known.parent.mkdir(exist_ok=True)
    if known.exists() and mark in known.read_text():
        return False
    with known.open("a") as file:
        file.write(f"== {number}: {mark}\n{how}\n")
    (folder / "failures" / f"{target.name}-{number}.bin").write_bytes(input_of(target, number))
    return True


def run_all() -> None:
    """Run the campaign that the options describe."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("base", type=Path)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--only", default="")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--place", type=Path, default=Path("/dev/shm/attnmel-fuzz"))
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    options.folder.mkdir(parents=True, exist_ok=True)
    options.place.mkdir(parents=True, exist_ok=True)
    with contextlib.redirect_stderr(open(os.devnull, "w")):  # noqa: PTH123
        targets = {one.name: one for one in make_targets(options.base, options.folder / "seeds")}
    for one in targets.values():  # what is imported at a first call, once for all
        with contextlib.suppress(Exception):
            one.read(options.place, one.seeds[0])
    done = Done(options.folder / "done.csv")
    names = [one for one in options.only.split(",") if one] or list(targets)
    while time.monotonic() < end and sum(done.inputs.values()) < options.inputs:
        name = min(names, key=lambda one: (done.seconds[one] + 1) / targets[one].weight)  # equal time, by weight
        target, began, first = targets[name], time.monotonic(), options.first + done.inputs[name]
        after, failures = batch(target, first, BATCH if target.weight > 0.3 else BATCH // 8, options.place)
        done.add(name, after - first, time.monotonic() - began)
        for number, how in failures:
            if keep(options.folder, target, number, how):
                print(f"{name} {number}: {how.strip().splitlines()[-1][:300]}", flush=True)
    for name in names:
        rate = done.inputs[name] / max(1e-9, done.seconds[name])
        print(f"{name}: {done.inputs[name]} inputs, {rate:.0f} a second")
    print(f"{sum(done.inputs.values())} inputs in all")


if __name__ == "__main__":
    run_all()
