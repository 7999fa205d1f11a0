"""A recipe -> a finished run: trained, evaluated on every split but the training's, and thereby calibrated."""

from contextlib import nullcontext
from pathlib import Path

from lightning_fabric import Fabric

from attnmel.config.recipe import Recipe
from attnmel.evaluation.statistics.bootstrap import RESAMPLES
from attnmel.folders import RunFolder
from attnmel.locks import hold_folder
from attnmel.pipeline.evaluate.evaluate import evaluate_run
from attnmel.pipeline.run.dataset import Prepared
from attnmel.pipeline.run.history import HistoryRow
from attnmel.pipeline.run.run import Run
from attnmel.pipeline.train.train import train_run
from attnmel.progress import SILENT, Progress
from attnmel.records import EVERY_SPLIT, Split


def run_recipe(
    recipe: Recipe,
    run: RunFolder,
    *,
    home: Path,
    fabric: Fabric,
    resume: bool = False,
    command: str = "",
    resamples: int = RESAMPLES,
    progress: Progress = SILENT,
) -> HistoryRow:
    """Train one seed of a recipe, evaluate its best epoch, calibrate it, and return that epoch.

    With `resume` a stopped run continues after its last finished epoch; a finished one is evaluated again.

    Raises:
        AttnmelError: as `train_run` and `evaluate_run`.
    """
    with hold_folder(run.path) if fabric.is_global_zero else nullcontext():
        trained = train_run(recipe, run, home=home, fabric=fabric, resume=resume, command=command, progress=progress)
        if fabric.is_global_zero:
            opened = Run(run, home, progress, dataset=trained.prepared)
            for split in _evaluated_splits(trained.prepared, progress):
                evaluate_run(opened, split=split, maps=trained.maps.get(split), resamples=resamples)
    return trained.best


def _evaluated_splits(prepared: Prepared, progress: Progress) -> tuple[Split, ...]:
    there = {lesion.split for lesion in prepared.lesions}
    if "test" not in there:
        progress.note(f"{prepared.dataset.name} has no image in the split 'test'; evaluated on 'validation' alone")
    return tuple(split for split in EVERY_SPLIT if split != "train" and split in there)
