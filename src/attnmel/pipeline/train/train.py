"""A recipe -> a trained run folder: recipe, provenance, history, checkpoints. One folder a seed."""

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

from lightning_fabric import Fabric

from attnmel.compute import runtime
from attnmel.config.load import AnyRecipe
from attnmel.config.recipe import Recipe
from attnmel.data.batches.ablate import NO_ABLATION
from attnmel.data.batches.stored_maps import StoredMaps
from attnmel.errors import ConfigError, TrainingError
from attnmel.files.folders import RunFolder
from attnmel.files.locks import hold_folder
from attnmel.files.own_files import require_only
from attnmel.models.trunks.registry import all_light
from attnmel.models.weights.start_weights import stored_source
from attnmel.pipeline.run.images.age_and_sex import score_prior
from attnmel.pipeline.run.images.crops import crop_facts
from attnmel.pipeline.run.images.dataset import Prepared, prepare, training_batches
from attnmel.pipeline.run.images.normalisation import with_statistics
from attnmel.pipeline.run.images.seen_images import learnt_images, start_images, write_images
from attnmel.pipeline.run.provenance import add_resumed, continued_recipe, read_provenance, write_start
from attnmel.pipeline.run.run_location import moved_to, new_run_folder, read_recipe
from attnmel.pipeline.run.stored_paths import stored_dataset, stored_masks, stored_path
from attnmel.pipeline.run.training.history import HistoryRow, best_row
from attnmel.pipeline.run.training.training_state import load_training_state
from attnmel.pipeline.train.classifier import ClassifierTask
from attnmel.pipeline.train.epochs import Epochs
from attnmel.pipeline.train.frozen_maps import RunMaps, open_run_maps
from attnmel.pipeline.train.priors import RunPrior, prepare_prior
from attnmel.pipeline.train.setup import (
    class_weights,
    launched_fabric,
    objective,
    put_start_weights,
    schedule,
    set_up,
    start_network,
)
from attnmel.pipeline.train.teacher import RunTeacher, prepare_teacher, refuse_other_teacher
from attnmel.pipeline.train.vgg_rescale import remedy
from attnmel.progress import SILENT, Progress
from attnmel.records import Split

KEPT_PIXELS = 32 * 160**2
"""Pixels of a batch up to which a heavy trunk keeps the memory that it frees also in float32: half of those at 224."""


def _settled(recipe: Recipe, fabric: Fabric) -> Recipe:
    """Resolve settings that depend on this machine or folder, so that the stored recipe means the same elsewhere."""
    moved = moved_to(recipe, stored_dataset(recipe.data.dataset))
    data, model, loss, training = moved.data, recipe.model, recipe.loss, recipe.training
    precision = runtime.choose_precision(training.precision, fabric.device)
    learnt = {"teacher": stored_path(loss.teacher), "masks": stored_masks(loss.masks)}
    return recipe.model_copy(
        update={
            "data": data.model_copy(update={"crop_masks": stored_masks(data.crop_masks)}),
            "model": model.model_copy(update={"weights": stored_source(model.weights)}),
            "loss": loss.model_copy(update=learnt),
            "training": training.model_copy(update={"precision": precision}),
        }
    )


def _place(recipe: AnyRecipe) -> tuple[int, str | None]:
    """Return the settings that tell the folders of the runs of one recipe apart."""
    return recipe.training.seed, recipe.data.fold


def run_folder(recipe: AnyRecipe, out: Path | None = None, given: RunFolder | None = None) -> RunFolder:
    """Return the folder of a run: `<out or runs>/<recipe>[/fold-<k>-of-<n>][/<ablation>]/seed-<seed>`.

    `given` is a run that the recipe was read from: without `out` its own folder is returned for the same seed and fold,
    and an ablation of it is in a folder next to it.

    Raises:
        ConfigError: the given run is another ablation itself.
    """
    ablation, before = recipe.data.ablation, given and read_recipe(given)
    if out is not None or given is None or before is None or _place(before) != _place(recipe):
        return new_run_folder(recipe, out or Path("runs"))
    if before.data.ablation == ablation:
        return given
    if before.data.ablation != NO_ABLATION:
        raise ConfigError(f"{given.path} is itself the ablation {before.data.ablation}; name the run it belongs to")
    return given.ablation(ablation)


def recipe_fabric(recipe: Recipe) -> Fabric:
    """Return the launched Fabric (devices, precision, processes) of a recipe."""
    settings = recipe.training
    # In float32 a heavy trunk needs some 8 GB at 224 pixels, batch 32 (docs/results/performance.md), a light one half;
    # both are in proportion to the pixels.
    light = all_light((recipe.model.trunk, *recipe.model.branches))
    keep = light or settings.batch * recipe.data.size**2 <= KEPT_PIXELS
    return launched_fabric(settings, devices=settings.devices, nodes=settings.nodes, keep_memory=keep)


class TrainedRun(NamedTuple):
    """A run with all its epochs."""

    best: HistoryRow
    prepared: Prepared
    maps: Mapping[Split, StoredMaps]
    """Of the frozen layers for each split that is evaluated; empty where the recipe stores none."""


def train_run(
    recipe: Recipe,
    run: RunFolder,
    *,
    home: Path,
    fabric: Fabric,
    resume: bool = False,
    command: str = "",
    progress: Progress = SILENT,
) -> TrainedRun:
    """Train one seed of a recipe into a run folder.

    With `resume` a run that was stopped goes on after its last finished epoch; a finished one is left as it is.

    Raises:
        ConfigError: the folder holds a run already, or one of another recipe or other data.
        LabelError: no training or validation split, or one that lacks a class, the masks or the ages that the recipe
            needs.
        TrainingError: the loss is no longer finite; checkpoints of finished epochs are kept.
        BusyError: another command writes into the folder.
    """
    with hold_folder(run.path) if fabric.is_global_zero else nullcontext():
        return _train_alone(recipe, run, home=home, fabric=fabric, resume=resume, command=command, progress=progress)


def _train_alone(
    recipe: Recipe, run: RunFolder, *, home: Path, fabric: Fabric, resume: bool, command: str, progress: Progress
) -> TrainedRun:
    if not run.recipe.is_file():
        require_only(run.path, run.names, "a run")
    if run.recipe.is_file() and not resume:
        raise ConfigError(f"{run.path} already holds a run; continue it with --resume, or choose another --out")
    if run.best.is_file() and not run.resume.is_file():  # of a run that was stopped, the state is written first
        by = " by `attnmel recalibrate`" if "recalibrated" in read_provenance(run) else ""
        raise ConfigError(
            f"{run.path} is a copy{by}, without the state to continue from ({run.resume.name}); a training from the "
            "start would replace its checkpoint. Continue the run that it was copied from, or choose another --out"
        )
    progress = progress if fabric.is_global_zero else SILENT
    recipe = _settled(recipe, fabric)
    with fabric.rank_zero_first(local=True):
        prepared = prepare(recipe.data, home=home, progress=progress)
        recipe = with_statistics(recipe, prepared, progress)
        # Refused now, not after an epoch.
        prepared.rows("validation")
        score_prior(recipe.test.prior, prepared, recipe.training.seed)
        prior = prepare_prior(recipe, prepared, home=home, progress=progress)
        teacher = prepare_teacher(recipe, prepared, progress)
    history, maps = _train(
        recipe, run, prepared, prior, teacher, home=home, fabric=fabric, command=command, progress=progress
    )
    best = best_row(history, recipe.training.select)
    if best is None:
        raise TrainingError(f"{run.path} has no finished epoch")
    return TrainedRun(best, prepared, maps.evaluated if maps else {})


def _train(
    recipe: Recipe,
    run: RunFolder,
    prepared: Prepared,
    prior: RunPrior,
    teacher: RunTeacher | None,
    *,
    home: Path,
    fabric: Fabric,
    command: str,
    progress: Progress,
) -> tuple[tuple[HistoryRow, ...], RunMaps | None]:
    batches = training_batches(recipe, prepared, fabric.device, prior.planes)
    weights = class_weights(recipe, prepared)
    network = start_network(recipe)
    resuming = run.resume.is_file()
    if run.recipe.is_file():
        recipe = continued_recipe(run, recipe, prepared, prior.facts)
        refuse_other_teacher(run, teacher)
    with fabric.rank_zero_first(local=True):
        start = None if resuming else put_start_weights(network, recipe, prepared, fabric.device, home, progress)
    network, optimizer = set_up(recipe, network, fabric, progress)
    history = load_training_state(run.resume, network, optimizer) if resuming else ()
    _check_same_epoch(run, len(history), fabric)
    if len(history) > recipe.training.epochs:
        raise ConfigError(
            f"{run.path} has {len(history)} finished epochs, more than training.epochs = {recipe.training.epochs}; "
            "continue it with as many or more"
        )
    with fabric.rank_zero_first(local=True):
        maps = open_run_maps(recipe, prepared, network.module, home=home, device=fabric.device, progress=progress)
    if maps is not None:
        batches = training_batches(recipe, prepared, fabric.device, prior.planes, views=maps.views, maps=maps.training)
    if fabric.is_global_zero and resuming:
        add_resumed(run, recipe, device=fabric.device, processes=fabric.world_size, epoch=len(history))
    if fabric.is_global_zero and start is not None:
        write_images(run, learnt_images(prepared, home), prepared.dataset.licence)
        if before := start_images([recipe.model.weights]):
            write_images(run.start, before, start.licence or prepared.dataset.licence)
        if prior.segmenter_images:
            write_images(run.prior, prior.segmenter_images, prepared.dataset.licence)
        write_start(
            run,
            recipe,
            prepared.fingerprint(),
            crop_masks=crop_facts(recipe.data, prepared.dataset, prepared.lesions, home),
            prior=prior.facts,
            class_weights=weights,
            teacher=teacher and teacher.facts,
            device=fabric.device,
            processes=fabric.world_size,
            command=command,
            start=start,
        )
    task = ClassifierTask(recipe, prepared, network, fabric, run, maps)
    history = Epochs(run, task, network, optimizer, fabric).train(
        batches,
        history,
        recipe.training,
        objective=objective(recipe, weights, teacher and teacher.soft_labels(fabric.device)),
        schedule=schedule(recipe),
        image_ids=prepared.cache.image_ids,
        accumulate=recipe.training.accumulate,
        remedy=remedy(start, recipe),
        progress=progress,
    )
    return history, maps


def _check_same_epoch(run: RunFolder, finished: int, fabric: Fabric) -> None:
    """Refuse processes that would go on from different epochs."""
    first = fabric.broadcast(finished)
    if finished != first:
        raise ConfigError(
            f"{run.path} holds {finished} finished epochs here and {first} where the first process runs; "
            "set --out to a folder that all machines share"
        )
