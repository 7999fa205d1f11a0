"""Give readers inputs that atheris makes by the branches they reach; as `fuzz.py` otherwise.

    python benchmarks/fuzz/fuzz_atheris.py FOLDER BASE labels,recipe,zip [--seconds 60]

One process a reader. Failures are printed and kept in FOLDER/failures, the numbers of inputs in FOLDER/atheris.csv.
"""

import argparse
import csv
import os
import sys
import time
import traceback
from pathlib import Path

import atheris  # pyright: ignore[reportMissingImports] - not in the extra `test`

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2]))

with atheris.instrument_imports(include=["attnmel"]):  # pyright: ignore[reportAttributeAccessIssue]
    from fuzz import as_expected
    from fuzz_targets import Target, make_targets


def target_of(name: str, base: Path, seeds: Path) -> Target:
    """Return a reader, and make no more of them than those before it."""
    return next(one for one in make_targets(base, seeds) if one.name == name)


class Reading:
    """One reader under inputs, with what it failed on."""

    def __init__(self, target: Target, folder: Path, place: Path) -> None:
        self.target, self.failures, self.place = target, folder / "failures", place
        self.inputs, self.known = 0, set[str]()
        self.failures.mkdir(parents=True, exist_ok=True)

    def __call__(self, content: bytes) -> None:
        """Read one input."""
        self.inputs += 1
        try:
            self.target.read(self.place, content)
        except BaseException as error:  # noqa: BLE001 - what must not happen is kept
            mark = f"{type(error).__name__} {traceback.extract_tb(error.__traceback__)[-1]}"
            if not as_expected(error) and mark not in self.known:
                self.known.add(mark)
                print(f"{self.target.name}: {mark}: {str(error)[:200]}", flush=True)
                (self.failures / f"atheris-{self.target.name}-{len(self.known)}.bin").write_bytes(content)


def run(name: str, folder: Path, base: Path, seconds: int, place: Path) -> None:
    """Read inputs for some seconds; atheris ends the process, so that this does not return."""
    target = target_of(name, base, folder / "seeds")
    corpus = folder / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    reading, began = Reading(target, folder, place), time.monotonic()

    def counted(content: bytes) -> None:
        reading(content)
        if time.monotonic() - began > seconds:
            with (folder / "atheris.csv").open("a", newline="") as file:
                csv.writer(file).writerow([name, reading.inputs, len(reading.known), f"{time.monotonic() - began:.0f}"])
            os._exit(0)

    options = ["-max_len=65536", "-timeout=60", "-rss_limit_mb=6000", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], counted)
    atheris.Fuzz()


def run_all() -> None:
    """Run the readers that the options name, each in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("base", type=Path)
    parser.add_argument("names")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--place", type=Path, default=Path("/dev/shm/attnmel-atheris"))
    options = parser.parse_args()
    options.place.mkdir(parents=True, exist_ok=True)
    for name in options.names.split(","):
        process = os.fork()
        if not process:
            run(name, options.folder, options.base, options.seconds, options.place)
        _, status = os.waitpid(process, 0)
        if code := os.waitstatus_to_exitcode(status):
            print(f"{name}: the process ended with {code}", flush=True)


if __name__ == "__main__":
    run_all()
