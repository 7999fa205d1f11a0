"""A segmenter's recipe -> a run folder: recipe, provenance, history, checkpoints, measures, what was learnt from."""

import math
import time
from pathlib import Path

import tomli_w
import torch
from torch import nn

from attnmel import NOTICE, runtime
from attnmel.config.load import load_segmenter_recipe
from attnmel.config.segmenter import SegmenterRecipe
from attnmel.data.batches.loader import TrainingBatches
from attnmel.data.datasets.isic import own_folder_path
from attnmel.errors import ConfigError, TrainingError, listed
from attnmel.folders import RunFolder, replacing
from attnmel.locks import hold_folder
from attnmel.models.segmenter import Loss, build_segmenter, segmentation_loss
from attnmel.pipeline.run.history import SegmenterRow, segmenter_row, write_rows
from attnmel.pipeline.run.provenance import (
    add_resumed,
    read_provenance,
    refuse_other_data,
    refuse_other_settings,
    write_provenance,
)
from attnmel.pipeline.run.seen_images import known_images, write_images
from attnmel.pipeline.run.training_state import load_rows
from attnmel.pipeline.segment.checkpointing import Trained, held_out_overlaps, keep_epoch, measured
from attnmel.pipeline.segment.dataset import Pairs, prepare_pairs
from attnmel.progress import SILENT, Progress

WARM_UP = 0.05
"""Share of all steps over which the rate rises: AdamW's first steps know little of the gradients' size."""


def train_segmenter(
    recipe: SegmenterRecipe,
    run: RunFolder,
    *,
    home: Path,
    resume: bool = False,
    command: str = "",
    progress: Progress = SILENT,
) -> Trained:
    """Train a segmenter into a run folder and measure its best epoch on the held-out images.

    The best epoch has the highest mean threshold Jaccard in the prepared size; it is measured in the images' own size.
    With `resume` a run that was stopped goes on after its last finished epoch; a finished one is measured again.

    Raises:
        ConfigError: the folder holds a run already, or one of another recipe; MONAI is not installed.
        LabelError: too few images have a mask, or they are not those that the run began with.
        ImageError: names the images and masks that cannot be used.
        TrainingError: the loss stopped being finite; finished epochs are kept.
        BusyError: another command writes into the folder.
    """
    with hold_folder(run.path):
        return _train_alone(recipe, run, home=home, resume=resume, command=command, progress=progress)


def _train_alone(
    recipe: SegmenterRecipe, run: RunFolder, *, home: Path, resume: bool, command: str, progress: Progress
) -> Trained:
    if run.recipe.is_file() and not resume:
        raise ConfigError(f"{run.path} already holds a run; continue it with --resume, or choose another --out")
    device = runtime.choose_device(recipe.training.device)
    recipe = _settled(recipe, device)
    if recipe.training.precision == "bf16":
        runtime.keep_memory()
    pairs = prepare_pairs(recipe, home=home, progress=progress)
    runtime.seed_everything(recipe.training.seed)
    network = _network(recipe, device)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=recipe.training.weight_decay)
    batches = pairs.training_batches(device)
    history = _begun(run, pairs, network, optimizer, device=device, home=home, command=command)
    loss, steps = segmentation_loss(), len(batches) * recipe.training.epochs
    for number in range(len(history), recipe.training.epochs):
        clock = time.perf_counter()
        first = number * len(batches)
        rates = [rate(step, steps, recipe.training.learning_rate) for step in range(first, first + len(batches))]
        mean_loss = _epoch(pairs, batches, network, optimizer, loss, number, rates, progress)
        trained = time.perf_counter() - clock
        found = held_out_overlaps(pairs, network, device)
        row = SegmenterRow(
            epoch=number + 1,
            learning_rate=rates[-1],
            loss=mean_loss,
            seconds=round(time.perf_counter() - clock, 3),
            images_per_second=round(len(batches) * recipe.training.batch / trained, 2),
            **found,
        )
        history = (*history, row)
        keep_epoch(run, pairs, network, optimizer, history)
        progress.note(row.sentence())
    return measured(run, pairs, device, progress)


def rate(step: int, steps: int, highest: float) -> float:
    """Return the learning rate of a step, counted from 0: a line up to `highest`, then a cosine down towards 0."""
    rising = max(1, round(WARM_UP * steps))
    if step < rising:
        return highest * (step + 1) / rising
    return highest * (1 + math.cos(math.pi * (step - rising + 1) / (steps - rising + 1))) / 2


def read_segmenter_recipe(run: RunFolder) -> SegmenterRecipe:
    """Return the resolved recipe of a segmenter's run.

    Raises:
        ConfigError: the folder holds no run of a segmenter.
    """
    return load_segmenter_recipe(run.recipe)


def _settled(recipe: SegmenterRecipe, device: torch.device) -> SegmenterRecipe:
    """Write out what depends on this machine or folder, so that the stored recipe means the same elsewhere."""
    dataset = str(own_folder_path(recipe.data.dataset) or recipe.data.dataset)
    precision = runtime.choose_precision(recipe.training.precision, device)
    return recipe.model_copy(
        update={
            "data": recipe.data.model_copy(update={"dataset": dataset}),
            "training": recipe.training.model_copy(update={"precision": precision}),
        }
    )


def _network(recipe: SegmenterRecipe, device: torch.device) -> nn.Module:
    model = recipe.model
    network = build_segmenter(model.channels, model.residual_units, model.norm)
    return network.to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - torch's types lack this overload


def _begun(
    run: RunFolder,
    pairs: Pairs,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    device: torch.device,
    home: Path,
    command: str,
) -> tuple[SegmenterRow, ...]:
    """Put a stopped run where it was and return its history, or write where a new one comes from."""
    if run.recipe.is_file():
        refuse_other_settings(run, read_segmenter_recipe(run), pairs.recipe)
        refuse_other_data(run, read_provenance(run), pairs.fingerprint(), pairs.dataset.name)
    if run.resume.is_file():
        history = tuple(map(segmenter_row, load_rows(run.resume, network, optimizer)))
        write_rows(run.history, SegmenterRow, history)
        add_resumed(run, device=device, processes=1, epoch=len(history))
        return history
    write_images(run, known_images(pairs.lesions, home), pairs.dataset.licence)
    provenance = {
        "notice": NOTICE,
        "licence": pairs.dataset.licence,
        "command": command,
        "seed": pairs.recipe.training.seed,
        "versions": runtime.versions(),
        "device": runtime.device_name(device),
        "processes": 1,
        "precision": pairs.recipe.training.precision,
        "start": "random weights",
        "data": pairs.fingerprint(),
    }
    write_provenance(run, provenance)
    with replacing(run.recipe) as part:
        part.write_bytes(tomli_w.dumps(pairs.recipe.model_dump(exclude_none=True)).encode())
    return ()


def _epoch(
    pairs: Pairs,
    batches: TrainingBatches,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss: Loss,
    number: int,
    rates: list[float],
    progress: Progress,
) -> float:
    """Train one epoch, which depends on the seed and its number alone, and return its mean loss."""
    training = pairs.recipe.training
    runtime.seed_everything(training.seed, number)
    network.train()
    total = 0.0
    with progress.bar(f"epoch {number + 1}/{training.epochs}", len(batches), "batches") as advance:
        for batch, step_rate in zip(batches.epoch(number), rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = step_rate
            device = batch.images.device
            with runtime.autocast(device, runtime.choose_precision(training.precision, device)):
                logits = network(batch.images)
            value = loss(logits.float(), batch.priors)
            if not math.isfinite(value.item()):
                ids = [pairs.lesions[row].image_id for row in batch.rows.tolist()]
                raise TrainingError(
                    f"the loss became {value.item()} in epoch {number + 1}; its batch: {listed(ids, most=len(ids))}. "
                    "Finished epochs are kept; look at these images, or lower training.learning_rate."
                )
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            optimizer.step()
            total += value.item()
            advance(1)
    return total / len(batches)
