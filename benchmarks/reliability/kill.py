"""Kill commands at random moments, run them again, and compare what they leave with that of an undisturbed run.

    python benchmarks/reliability/kill.py FOLDER [--rounds 100] [--only train,fetch] [--minutes 60]

A round copies what a command starts from, kills it (SIGKILL) up to eight times at moments drawn from the length of an
undisturbed run, looks after each kill whether a file under its final name is broken, and then leaves the command alone.
It has to end well and to leave the same files as the undisturbed run, no temporary file, and no process. The results
are rows of FOLDER/rounds.csv; a stopped campaign goes on after the last one. `kill_study.py` does the same to a study's
server.

Commands are forked from this process after everything is imported, so that a round takes a second and not ten; those
that start processes of their own start them anew.
"""

import argparse
import contextlib
import csv
import os
import random
import re
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import kill_cases
from attnmel.cli import main
from kill_content import broken_files, contents, differences

TEMPORARY = re.compile(r"^\.[0-9a-f]{8}-|\.lock$|\.part$|\.part\.json$|^tmp|-journal$|-wal$")
LONGEST = 1200.0
"""Seconds after which a command hangs."""
COLUMNS = ("command", "round", "kills", "moments", "seconds", "problem")


class Killed:
    """A command in a forked process, in a session of its own."""

    def __init__(self, place: Path, arguments: Sequence[str]) -> None:
        self.log = place.with_name(f"{place.name}.log")
        self.began = time.monotonic()
        self.process = os.fork()
        if not self.process:
            _become(place, self.log, arguments)

    def wait(self, seconds: float) -> int | None:
        """Return how the command ended within some seconds; None if it still runs."""
        end = self.began + seconds
        while True:
            done, status = os.waitpid(self.process, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() >= end:
                return None
            time.sleep(min(0.002, max(0.0, end - time.monotonic())))

    def kill(self, *, all_of_them: bool) -> None:
        """Kill the process, or every one of its session, and wait until the others have noticed."""
        for one in self.session() if all_of_them else [self.process]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        os.waitpid(self.process, 0)

    def session(self) -> list[int]:
        """Return the processes of its session."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                state, _, _, session = path.read_text().rpartition(")")[2].split()[:4]
                if int(session) == self.process and state != "Z":
                    found.append(int(path.parent.name))
        return found

    def left(self, seconds: float = 25.0) -> list[int]:
        """Return its processes that are still there after some seconds, and end them."""
        end = time.monotonic() + seconds
        while (found := self.session()) and time.monotonic() < end:
            time.sleep(0.05)
        for one in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        return found


def _become(place: Path, log: Path, arguments: Sequence[str]) -> None:
    code: object = 1
    try:
        os.setsid()
        os.environ["TMPDIR"] = str(place / "scratch")
        (place / "scratch").mkdir(exist_ok=True)
        os.chdir(place)
        with log.open("ab", buffering=0) as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        sys.stdin, sys.stdout = open(os.devnull), os.fdopen(1, "w", closefd=False)  # noqa: PTH123, SIM115
        sys.stderr = os.fdopen(2, "w", closefd=False, buffering=1)
        sys.argv = ["attnmel", *arguments]
        main()
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException:  # noqa: BLE001 - a bug, which the round then reports
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code if isinstance(code, int) else 1)


def import_all() -> None:
    """Import what the commands import when they are called, once for all rounds."""
    import importlib
    import pkgutil

    import attnmel

    for one in pkgutil.walk_packages(attnmel.__path__, "attnmel."):
        if not one.name.endswith("__main__") and ".migrations" not in one.name:
            importlib.import_module(one.name)
    for name in ("onnx", "onnxruntime", "openvino", "onnxscript", "sklearn", "monai.networks.nets"):
        importlib.import_module(name)


class Campaign:
    """Rounds of one folder."""

    def __init__(self, folder: Path, seed: int, place: str = "place") -> None:
        self.folder, self.base, self.table = folder, folder / "base", folder / "rounds.csv"
        folder.mkdir(parents=True, exist_ok=True)
        kill_cases.make_base(self.base, self._run)
        self.cases = kill_cases.cases(kill_cases.serve(self.base / "mirror"))
        self.seed, self._place = seed, folder / place
        self.references: dict[str, tuple[dict[str, str], float]] = {}

    def _run(self, arguments: Sequence[str]) -> None:
        place = self.folder / "making"
        place.mkdir(exist_ok=True)
        if code := Killed(place, arguments).wait(LONGEST):
            raise SystemExit(f"{arguments} ended with {code}: see {place}.log")

    def rounds(self, name: str) -> list[dict[str, str]]:
        """Return the rounds so far of a command."""
        if not self.table.exists():
            return []
        with self.table.open(newline="") as file:
            return [row for row in csv.DictReader(file) if row["command"] == name]

    def place(self, name: str) -> Path:
        """Make the folder of a round anew, always of the same name, since some files hold paths."""
        place = self._place / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        place.with_name(f"{place.name}.log").unlink(missing_ok=True)
        for one in self.cases[name].starts_from:
            if one == "data":
                kill_cases.linked(self.base / "data" / "home", place / "home")
            else:
                kill_cases.linked(self.base / one, place / one)
        return place

    def undisturbed(self, name: str) -> tuple[dict[str, str], float]:
        """Return what is left without a kill, but for what differs between two such runs, and the seconds."""
        if name not in self.references:
            found, seconds = [], 0.0
            for _ in range(2):
                place = self.place(name)
                running = Killed(place, self.cases[name].arguments(place))
                code = running.wait(LONGEST)
                seconds = time.monotonic() - running.began
                if code != 0:
                    raise SystemExit(f"{name} ends with {code} without a kill: see {running.log}")
                found.append(contents(place))
            vary = {path for path in found[0] if found[0][path] != found[1].get(path)}
            print(f"{name}: {len(found[0])} files in {seconds:.1f} s; not bit for bit: {sorted(vary)}", flush=True)
            self.references[name] = {path: "" if path in vary else one for path, one in found[0].items()}, seconds
        return self.references[name]

    def round(self, name: str, number: int) -> dict[str, object]:
        """Kill, run to the end, and compare."""
        expected, seconds = self.undisturbed(name)
        chance = random.Random(f"{self.seed} {name} {number}")
        case, place = self.cases[name], self.place(name)
        arguments, moments, problems = case.arguments(place), [], []
        for _ in range(chance.randint(1, case.most_kills)):
            running = Killed(place, arguments)
            moment = chance.uniform(0, 1.05 * seconds)
            if (code := running.wait(moment)) is not None:
                problems += [f"ended with {code} between kills"] if code else []
                break
            running.kill(all_of_them=chance.random() < 0.5)
            moments.append(moment)
            problems += [f"process left after a kill at {moment:.2f}"] if running.left() else []
            problems += [f"broken after a kill at {moment:.2f}: {path}" for path in broken_files(place)]
        running = Killed(place, arguments)
        if (code := running.wait(LONGEST)) != 0:
            problems.append(f"ends with {code}: {running.log.read_text()[-300:]}")
            running.kill(all_of_them=True) if code is None else None
        else:
            problems += differences(expected, contents(place))
            problems += [f"left: {path.relative_to(place)}" for path in temporary_files(place)]
            problems += ["process left"] if running.left() else []
        if problems:
            kept = self.folder / "problems" / f"{name}-{number}"
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(place, kept)
            shutil.copy(running.log, kept / "output.log")
        told = " ".join(f"{one:.2f}" for one in moments)
        row = {"command": name, "round": number, "kills": len(moments), "moments": told, "seconds": f"{seconds:.2f}"}
        return {**row, "problem": "; ".join(problems)[:2000].replace("\n", " ")}

    def add(self, row: dict[str, object]) -> None:
        """Keep a finished round."""
        new = not self.table.exists()
        with self.table.open("a", newline="") as file:
            writer: csv.DictWriter[str] = csv.DictWriter(file, COLUMNS)
            if new:
                writer.writeheader()
            writer.writerow(row)


def temporary_files(place: Path) -> Iterator[Path]:
    """Yield files that only a running command may have."""
    return (path for path in sorted(place.rglob("*")) if TEMPORARY.search(path.name))


def run_all() -> None:
    """Run the campaign that the options describe."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--only", default="")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    import_all()
    campaign = Campaign(options.folder.resolve(), options.seed)
    names = [one for one in options.only.split(",") if one] or list(campaign.cases)
    if unknown := sorted(set(names) - set(campaign.cases)):
        parser.error(f"--only: no case {', '.join(unknown)}; known: {', '.join(campaign.cases)}")
    done = {name: len(campaign.rounds(name)) for name in names}
    spent = {name: 2 * sum(float(row["seconds"]) for row in campaign.rounds(name)) for name in names}
    while time.monotonic() < end and (left := [name for name in names if done[name] < options.rounds]):
        name, began = min(left, key=spent.__getitem__), time.monotonic()  # each the same time
        row = campaign.round(name, done[name])
        campaign.add(row)
        done[name] += 1
        spent[name] += time.monotonic() - began
        if row["problem"]:
            print(f"{name} {row['round']}: {row['problem']}", flush=True)
    for name in names:
        rows = campaign.rounds(name)
        found = Counter("problem" if row["problem"] else "fine" for row in rows)
        print(f"{name}: {sum(int(row['kills']) for row in rows)} kills in {len(rows)} rounds; {dict(found)}")


if __name__ == "__main__":
    run_all()
