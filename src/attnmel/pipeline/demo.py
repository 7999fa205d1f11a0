"""Phantoms -> fetched, trained, judged, reported: the whole way through the house, offline."""

import shutil
import tempfile
from pathlib import Path

from attnmel.config import load_recipe
from attnmel.data.archives import fetch
from attnmel.data.phantoms import write_mirror
from attnmel.errors import ConfigError
from attnmel.pipeline.evaluate import Judged, evaluate_run
from attnmel.pipeline.report import report_runs
from attnmel.pipeline.train import recipe_fabric, run_folder, train_run
from attnmel.progress import SILENT, Progress

COUNTS = {"train": 500, "validation": 100, "test": 200}
"""Phantoms a split: enough to learn from and to judge in two minutes on two cores."""


def run_demo(out: Path, *, seed: int = 0, progress: Progress = SILENT) -> tuple[Judged, Path]:
    """Draw phantoms as an official archive, fetch it, train the demo's recipe, judge and report it.

    Returns the judgement of the test split and the report's path; everything lies in `out`.

    Raises:
        ConfigError: `out` holds something that no demo wrote.
    """
    marker = out / "demo.txt"
    if out.exists() and any(out.iterdir()) and not marker.is_file():
        raise ConfigError(f"{out} is not empty and holds no demo; choose another --out")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    marker.write_text("Written by `attnmel demo`; the next demo replaces this folder.\n", encoding="utf-8")
    home = out / "home"
    with tempfile.TemporaryDirectory(dir=out) as mirror:
        write_mirror(Path(mirror), seed=seed, counts=COUNTS, progress=progress)
        fetch("phantoms", home, mirror=Path(mirror).absolute().as_uri(), progress=progress)
    recipe = load_recipe("demo", [f"training.seed={seed}"])
    run = run_folder(recipe, out / "runs")
    train_run(recipe, run, home=home, fabric=recipe_fabric(recipe), command="attnmel demo", progress=progress)
    judged = evaluate_run(run, home=home, split="test", progress=progress)
    return judged, report_runs([run], home=home, out=out / "report.html", progress=progress)
