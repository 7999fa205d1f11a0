"""A recipe -> a finished run: trained, evaluated on every split but the training's, and thereby calibrated."""

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

from lightning_fabric import Fabric

from attnmel.config.recipe import Recipe
from attnmel.config.system import SystemRecipe
from attnmel.data.batches.stored_maps import StoredMaps
from attnmel.evaluation.statistics.bootstrap import RESAMPLES
from attnmel.files.folders import RunFolder
from attnmel.files.locks import hold_folder
from attnmel.pipeline.evaluate.evaluate import evaluate_run
from attnmel.pipeline.run.images.dataset import Prepared
from attnmel.pipeline.run.images.left_out import evaluated_splits
from attnmel.pipeline.run.run import Run
from attnmel.pipeline.run.training.history import HistoryRow
from attnmel.pipeline.system.train import train_system
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
            _evaluate(Run(run, home, progress, dataset=trained.prepared), trained.prepared, trained.maps, resamples)
    return trained.best


def run_system(
    recipe: SystemRecipe,
    run: RunFolder,
    *,
    home: Path,
    resume: bool = False,
    command: str = "",
    resamples: int = RESAMPLES,
    progress: Progress = SILENT,
) -> Run:
    """Fit a system by a recipe, evaluate it as `run_recipe` does a network, and return the finished run.

    Raises:
        AttnmelError: as `train_system` and `evaluate_run`.
    """
    with hold_folder(run.path):
        prepared = train_system(recipe, run, home=home, resume=resume, command=command, progress=progress)
        opened = Run(run, home, progress, dataset=prepared)
        _evaluate(opened, prepared, {}, resamples)
    return opened


def _evaluate(opened: Run, prepared: Prepared, maps: Mapping[Split, StoredMaps], resamples: int) -> None:
    for split in _evaluated_splits(prepared, opened.progress):
        evaluate_run(opened, split=split, maps=maps.get(split), resamples=resamples)


def _evaluated_splits(prepared: Prepared, progress: Progress) -> tuple[Split, ...]:
    """Return the splits that are evaluated; a note says of 'test' that it is not there, or of any that it is unused."""
    there, used = {lesion.split for lesion in prepared.lesions}, evaluated_splits(prepared)
    if "test" not in there:
        progress.note(f"{prepared.dataset.name} has no image in the split 'test'; evaluated on 'validation' alone")
    for split in EVERY_SPLIT:
        if split != "train" and split in there and split not in used:
            progress.note(f"not evaluated on '{split}': every image of it is left out")
    return used
