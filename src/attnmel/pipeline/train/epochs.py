"""The epochs of a run, of a classifier or a segmenter: trained, evaluated, and written into its folder."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, Protocol, runtime_checkable

import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule
from torch import Tensor

from attnmel.config.segmenter import SegmenterTraining
from attnmel.config.settings.training import TrainingSettings
from attnmel.data.batches.loader import TrainingBatches
from attnmel.errors import CheckpointError
from attnmel.files.folders import RunFolder
from attnmel.models.weights.safetensors_io import load_state, tensors_hash
from attnmel.pipeline.run.training.history import Row, event_file, write_history
from attnmel.pipeline.run.training.loggers import Loggers
from attnmel.pipeline.run.training.training_state import copied, training_tensors, weights_of, write_training_state
from attnmel.pipeline.train.background_writer import BackgroundWriter
from attnmel.progress import Progress
from attnmel.training.loop import LOWER_RATE, EpochLoss, train_epochs
from attnmel.training.objectives import Objective
from attnmel.training.schedules import Schedule


@runtime_checkable
class TrainingTask(Protocol[Row]):
    """What differs between the training of a classifier and that of a segmenter, but for the loss."""

    def evaluate(self, trained: EpochLoss, *, images_per_second: float, elapsed: Callable[[], float]) -> Row:
        """Evaluate the validation images and return the epoch's row; `elapsed` gives the seconds since its start."""
        ...

    def best(self, history: Sequence[Row]) -> Row | None:
        """Return the best epoch; None of an empty history."""
        ...

    def save(self, path: Path, weights: Mapping[str, Tensor], row: Row) -> None:
        """Write a checkpoint of the weights after an epoch."""
        ...


@dataclass(frozen=True)
class Epochs(Generic[Row]):
    """Trains the epochs of a run and writes the files of each.

    On the CPU an epoch takes minutes, and a full disk must be noticed at once: the training waits for the
    writing, and nothing is copied. A GPU, whose epochs may take no longer than the writing, trains on meanwhile.
    """

    run: RunFolder
    task: TrainingTask[Row]
    network: _FabricModule
    optimizer: torch.optim.Optimizer
    fabric: Fabric

    def train(
        self,
        batches: TrainingBatches,
        history: tuple[Row, ...],
        settings: TrainingSettings | SegmenterTraining,
        *,
        objective: Objective,
        schedule: Schedule,
        image_ids: tuple[str, ...],
        accumulate: int = 1,
        remedy: str = LOWER_RATE,
        progress: Progress,
    ) -> tuple[Row, ...]:
        """Train all epochs that are not in the history yet, and return the whole history.

        What a stop left unwritten of the history's last epoch is written first.

        Raises:
            TrainingError: as `train_epochs`.
            CheckpointError: the disk is full or cannot be written.
        """
        loggers = Loggers(self.run, settings.log, progress.note)
        with closing(loggers), BackgroundWriter() as background:
            if history and self.fabric.is_global_zero:
                self._write_missing(weights_of(training_tensors(self.network.module, self.optimizer)), history, loggers)
            clock = time.perf_counter()
            for trained in train_epochs(
                self.network,
                self.optimizer,
                batches,
                fabric=self.fabric,
                objective=objective,
                schedule=schedule,
                seed=settings.seed,
                image_ids=image_ids,
                start=len(history),
                accumulate=accumulate,
                remedy=remedy,
                progress=progress,
            ):
                row = self.task.evaluate(
                    trained,
                    images_per_second=len(batches) * settings.batch / (time.perf_counter() - clock),
                    elapsed=lambda start=clock: time.perf_counter() - start,
                )
                history = (*history, row)
                if self.fabric.is_global_zero:
                    tensors = training_tensors(self.network.module, self.optimizer)
                    waits = self.fabric.device.type == "cpu"
                    background.hand_over(partial(self._write, tensors if waits else copied(tensors), history, loggers))
                    if waits:
                        background.wait()
                progress.note(row.sentence())
                clock = time.perf_counter()
        return history

    def _write(self, tensors: Mapping[str, Tensor], history: tuple[Row, ...], loggers: Loggers) -> None:
        """Write the training state, which makes the epoch count as finished, then what follows from it.

        In this order no checkpoint is of an epoch that is trained again after a stop, perhaps to other weights on
        another machine.
        """
        write_training_state(self.run.resume, tensors, history)
        for path in self._checkpoints(history):
            self.task.save(path, weights_of(tensors), history[-1])
        write_history(self.run.history, history)
        loggers.write(history[-1])

    def _write_missing(self, weights: Mapping[str, Tensor], history: tuple[Row, ...], loggers: Loggers) -> None:
        for path in self._checkpoints(history):
            if not _holds(path, weights):
                self.task.save(path, weights, history[-1])
        write_history(self.run.history, history)
        if not event_file(self.run.events, history[-1]).is_file():
            loggers.write(history[-1])

    def _checkpoints(self, history: tuple[Row, ...]) -> list[Path]:
        """Return the checkpoints that hold the weights after the last epoch."""
        return [self.run.last, *([self.run.best] if self.task.best(history) is history[-1] else [])]


def _holds(path: Path, weights: Mapping[str, Tensor]) -> bool:
    """Whether a checkpoint holds these weights; it may be missing or of an earlier epoch."""
    try:
        return tensors_hash(load_state(path)[0]) == tensors_hash(weights)
    except CheckpointError:
        return False
