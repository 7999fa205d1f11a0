"""Train rows of the ISIC 2017 table at full size, in order of worth, each brought back as soon as it is done.

    python benchmarks/gpu/gpu_rows.py --work FOLDER --out FOLDER --weights FILE [--budget 540] [--rows ROW ...]
                                      [--set KEY=VALUE ...] [--toy]

A row is one `attnmel train isic2017/ROW` (published recipe, 224 pixels, 50 epochs) in a process of its own, started
from the ImageNet file and normalised by it, with the run folder WORK/runs and the home WORK/home that `gpu_setup.py`
prepared. After each, OUT/rows.tar.gz holds every run without its weights, OUT/attention.tar the attention maps of the
test images as far as its limit goes, OUT/rows.md the table. None starts after the budget's seconds, nor where the row
before took longer than what is left; one that runs beyond them is stopped, and the same command goes on with it. A row
that fails is named in rows.md and does not stop the others. `--toy` trains on phantoms.
"""

import argparse
import contextlib
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "pages"))

from attnmel.files.folders import RunFolder, replacing
from attnmel.pipeline.run.results.results import read_measures
from gpu_summary import TOY
from results import section, together

ROWS = ("attnmel-lesion", "mel-cnn", "attnmel", "attnmel-bkg", "attnmel-dermo", "vgg16-gap", "vgg16")
TABLE = "isic2017"
TOY_SETTINGS = (
    "data.dataset=phantoms",
    "data.size=32",
    "model.width=0.1",
    "model.weights=random",
    "training.epochs=2",
    "training.batch=8",
)
MOST = 14 * 2**20
"""Bytes of a file that is brought back."""
PATIENCE = 5.0
"""Seconds that a row which is stopped has to end."""


def run_of(row: str, work: Path) -> RunFolder:
    """Return the run folder of a row; that of a rehearsal is named after the phantoms, as any other data set."""
    found = sorted((work / "runs").glob(f"*/{row}/seed-0"))
    return RunFolder(found[0] if found else work / "runs" / TABLE / row / "seed-0")


def is_done(run: RunFolder) -> bool:
    """Whether a row is trained and judged on the test images."""
    return "test" in read_measures(run)


def command(row: str, work: Path, settings: Iterable[str]) -> list[str]:
    """Return what trains a row, or goes on with it."""
    sets = [word for setting in settings for word in ("--set", setting)]
    places = ["--out", str(work / "runs"), "--home", str(work / "home")]
    resume = ["--resume"] if run_of(row, work).recipe.is_file() else []
    return [sys.executable, "-X", "faulthandler", "-m", "attnmel", "train", f"{TABLE}/{row}", *places, *sets, *resume]


def train(row: str, work: Path, settings: Iterable[str], left: float) -> str:
    """Train one row for as long as there is time; return what went wrong, or nothing."""
    log = work / "logs" / f"{row}.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(command(row, work, settings), stdout=file, stderr=subprocess.STDOUT)
        try:
            code = process.wait(left)
        except subprocess.TimeoutExpired:
            stop(process)
            return f"stopped after {left:.0f} s; the same command goes on with it"
    said = log.read_text(encoding="utf-8").strip().splitlines() or [""]
    return "" if code == 0 else f"ended with {code}: {said[-1]}"


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process; one that does not end by itself first writes into its log where it stands, then by force."""
    for how in (signal.SIGINT, signal.SIGABRT, signal.SIGKILL):
        process.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
            return


def bring_back(rows: Iterable[str], work: Path, out: Path, troubles: dict[str, str], *, toy: bool) -> None:
    """Write everything so far to OUT, each file whole or as it was."""
    runs = {row: run_of(row, work) for row in rows if run_of(row, work).recipe.is_file()}
    kept = [path for run in runs.values() for path in light(run)] + sorted((work / "logs").glob("*.txt"))
    with replacing(out / "rows.tar.gz") as part, tarfile.open(part, "w:gz") as archive:
        for path in kept:
            archive.add(path, path.relative_to(work))
    with replacing(out / "attention.tar") as part, tarfile.open(part, "w") as archive:
        for path in within(MOST, (run.attention("test") for run in runs.values())):
            archive.add(path, path.relative_to(work))
    done = [run.path for run in runs.values() if is_done(run)]
    lines = [TOY, ""] if toy else []
    lines += together(done) if done else ["No row is done.", ""]
    lines += [f"* {row}: {trouble}" for row, trouble in troubles.items()]
    lines += [line for path in done for line in section(RunFolder(path))]
    with replacing(out / "rows.md") as part:
        part.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def light(run: RunFolder) -> list[Path]:
    """Return the files of a run but for weights, attention maps and events."""
    heavy = (".safetensors", ".npz")
    files = (path for path in sorted(run.path.rglob("*")) if path.is_file())
    return [path for path in files if path.suffix not in heavy and run.events not in path.parents]


def within(most: int, paths: Iterable[Path]) -> Iterator[Path]:
    """Give the files that are there until the next would make too many bytes."""
    total = 0
    for path in paths:
        total += path.stat().st_size if path.is_file() else 0
        if path.is_file() and total <= most:
            yield path


def all_rows(chosen: argparse.Namespace, settings: Iterable[str]) -> None:
    """Train what is not done yet, as long as the budget lasts."""
    end, longest, troubles = time.monotonic() + chosen.budget, 0.0, dict[str, str]()
    for row in chosen.rows:
        start = time.monotonic()
        if is_done(run_of(row, chosen.work)):
            continue
        if end - start <= longest:
            troubles[row] = "not started, for lack of time"
            continue
        trouble = train(row, chosen.work, settings, end - start)
        took = time.monotonic() - start
        if trouble:
            troubles[row] = trouble
        else:
            longest = max(longest, took)
        bring_back(chosen.rows, chosen.work, chosen.out, troubles, toy=chosen.toy)
        print(f"{row}: {trouble or 'done'}, {took:.0f} s; {end - time.monotonic():.0f} s left", flush=True)
    bring_back(chosen.rows, chosen.work, chosen.out, troubles, toy=chosen.toy)


def main() -> None:
    """Train the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="VGG-16 of ImageNet, .safetensors or .pth")
    parser.add_argument("--budget", type=float, default=540, help="seconds after which nothing more starts")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--set", nargs="+", default=[], dest="settings", metavar="KEY=VALUE")
    parser.add_argument("--toy", action="store_true")
    chosen = parser.parse_args()
    if chosen.toy:
        settings = TOY_SETTINGS
    elif chosen.weights is not None and chosen.weights.is_file():
        settings = (f"model.weights={chosen.weights.absolute()}", "data.normalise_by=weights")
    else:
        parser.error(f"--weights is {chosen.weights}, expected VGG-16's ImageNet weights; carry the file along")
    chosen.work, chosen.out = chosen.work.absolute(), chosen.out.absolute()
    chosen.out.mkdir(parents=True, exist_ok=True)
    all_rows(chosen, (*settings, *chosen.settings))


if __name__ == "__main__":
    main()
