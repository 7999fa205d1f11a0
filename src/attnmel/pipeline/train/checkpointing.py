"""The files that an epoch leaves in the run folder: checkpoints, training state, history and events."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, Protocol, runtime_checkable

import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule
from torch import Tensor

from attnmel.folders import RunFolder
from attnmel.pipeline.run.history import Row, write_events, write_history
from attnmel.pipeline.run.training_state import copied, training_tensors, weights_of, write_training_state
from attnmel.pipeline.train.background_writer import BackgroundWriter
from attnmel.training.loop import EpochLoss


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
        """Write a checkpoint of the weights after an epoch.

        Raises:
            CheckpointError: the disk is full or cannot be written; the former file is kept.
        """
        ...


@dataclass(frozen=True)
class CheckpointWriter(Generic[Row]):
    """Writes the files of each epoch into a run folder."""

    run: RunFolder
    task: TrainingTask[Row]
    network: _FabricModule
    optimizer: torch.optim.Optimizer
    fabric: Fabric
    background: BackgroundWriter

    def write(self, history: tuple[Row, ...]) -> None:
        """Write the files of the last epoch of the history; a GPU trains on meanwhile.

        An epoch on a GPU may take no longer than the writing. On the CPU it takes minutes: nothing is copied, this
        waits, and a full disk is noticed at once.
        """
        tensors, waits = training_tensors(self.network.module, self.optimizer), self.fabric.device.type == "cpu"
        self.background.hand_over(partial(self._write, tensors if waits else copied(tensors), history))
        if waits:
            self.background.wait()

    def _write(self, tensors: Mapping[str, Tensor], history: tuple[Row, ...]) -> None:
        """Write the checkpoints, then the training state that makes the epoch count as finished, then the rest.

        After a stop in between, the epoch is trained again, to the same weights.
        """
        row, weights = history[-1], weights_of(tensors)
        self.task.save(self.run.last, weights, row)
        if self.task.best(history) is row:
            self.task.save(self.run.best, weights, row)
        write_training_state(self.run.resume, tensors, history)
        write_history(self.run.history, history)
        write_events(self.run.events, row)
