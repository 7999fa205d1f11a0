"""Phantoms -> fetched, trained, evaluated, reported: every stage of the program, offline."""

import shutil
import tempfile
from pathlib import Path

from attnmel.config.load import load_recipe
from attnmel.data.archives.fetch import fetch
from attnmel.data.phantoms import write_mirror
from attnmel.errors import ConfigError
from attnmel.files.locks import IN_FOLDER, hold_folder
from attnmel.pipeline.experiment import run_recipe
from attnmel.pipeline.report.report import report_runs
from attnmel.pipeline.run.results.results import SplitResults
from attnmel.pipeline.run.run import Run
from attnmel.pipeline.train.train import recipe_fabric, run_folder
from attnmel.progress import SILENT, Progress

MARKER, MARK = "demo.txt", "Written by `attnmel demo`; the next demo replaces home, runs and report.html beside it.\n"
"""Name and text of the file that marks the folder of a demo."""

COUNTS = {"train": 500, "validation": 100, "test": 200}
"""Phantoms a split: enough to learn from and to evaluate in two minutes on two cores."""


def run_demo(out: Path, *, seed: int = 0, progress: Progress = SILENT) -> tuple[SplitResults, Path]:
    """Draw phantoms as an official archive, fetch it, train the demo's recipe, evaluate and report it.

    Returns the results of the test split and the report's path; everything lies in `out`.

    Raises:
        ConfigError: `out` holds something that no demo wrote.
        BusyError: another demo writes there.
    """
    with hold_folder(out):
        return _demo(out, seed, progress)


def _demo(out: Path, seed: int, progress: Progress) -> tuple[SplitResults, Path]:
    home, runs, report = out / "home", out / "runs", out / "report.html"
    _clear(out, (home, runs, report))
    with tempfile.TemporaryDirectory(dir=out) as mirror:
        write_mirror(Path(mirror), seed=seed, counts=COUNTS, progress=progress)
        fetch("phantoms", home, mirror=Path(mirror).absolute().as_uri(), progress=progress)
    recipe = load_recipe("demo", [f"training.seed={seed}"])
    folder = run_folder(recipe, runs)
    run_recipe(recipe, folder, home=home, fabric=recipe_fabric(recipe), command="attnmel demo", progress=progress)
    run = Run(folder, home, progress)
    return run.results["test"], report_runs([run], out=report)


def _clear(out: Path, written: tuple[Path, ...]) -> None:
    """Remove what an earlier demo wrote into `out`, and nothing else."""
    marker = out / MARKER
    if (
        out.exists()
        and any(one.name != IN_FOLDER for one in out.iterdir())
        and not (marker.is_file() and marker.read_text("utf-8") == MARK)
    ):
        raise ConfigError(f"{out} is not empty and holds no demo; choose another --out")
    for path in written:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    marker.write_text(MARK, encoding="utf-8")
