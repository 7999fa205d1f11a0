"""Network, objective and data -> all epochs of a run, each evaluated and written: of a classifier or a segmenter."""

import time

import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule

from attnmel.config.recipe import Recipe
from attnmel.config.segmenter import SegmenterRecipe
from attnmel.data.batches.loader import TrainingBatches
from attnmel.folders import RunFolder
from attnmel.pipeline.run.history import Row
from attnmel.pipeline.train.background_writer import BackgroundWriter
from attnmel.pipeline.train.checkpointing import CheckpointWriter, TrainingTask
from attnmel.progress import Progress
from attnmel.training.loop import LOWER_RATE, train
from attnmel.training.objectives import Objective
from attnmel.training.schedules import Schedule


def train_epochs(
    recipe: Recipe | SegmenterRecipe,
    run: RunFolder,
    task: TrainingTask[Row],
    network: _FabricModule,
    optimizer: torch.optim.Optimizer,
    batches: TrainingBatches,
    history: tuple[Row, ...],
    *,
    fabric: Fabric,
    objective: Objective,
    schedule: Schedule,
    image_ids: tuple[str, ...],
    accumulate: int = 1,
    remedy: str = LOWER_RATE,
    progress: Progress,
) -> tuple[Row, ...]:
    """Train all epochs that are not in the history yet, and return the whole history.

    Raises:
        TrainingError: as `training.loop.train`.
        CheckpointError: the disk is full or cannot be written.
    """
    with BackgroundWriter() as background:
        writer = CheckpointWriter(run, task, network, optimizer, fabric, background)
        clock = time.perf_counter()
        for trained in train(
            network,
            optimizer,
            batches,
            fabric=fabric,
            objective=objective,
            schedule=schedule,
            seed=recipe.training.seed,
            image_ids=image_ids,
            start=len(history),
            accumulate=accumulate,
            remedy=remedy,
            progress=progress,
        ):
            row = task.evaluate(
                trained,
                images_per_second=len(batches) * recipe.training.batch / (time.perf_counter() - clock),
                elapsed=lambda start=clock: time.perf_counter() - start,
            )
            history = (*history, row)
            if fabric.is_global_zero:
                writer.write(history)
            progress.note(row.sentence())
            clock = time.perf_counter()
    return history
