"""The history of a training: one row an epoch, as CSV and as TensorBoard events."""

import dataclasses
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from attnmel.errors import TrainingError
from attnmel.evaluation.classification.report import main_value
from attnmel.files.folders import replacing
from attnmel.files.table_files import damage, number_or_nan, read_table, write_table
from attnmel.number_formats import fixed
from attnmel.records import Predictions
from attnmel.training.losses import LossParts


@dataclasses.dataclass(frozen=True, kw_only=True)
class HistoryRow:
    """One epoch of a classifier, counted from 1.

    Dice terms are NaN without a prior; validation measures are averaged over the positives.
    """

    epoch: int
    learning_rate: float
    loss: float
    focal: float
    dice_pool3: float
    dice_pool4: float
    validation_auc: float
    validation_ap: float
    validation_balanced_accuracy: float
    seconds: float
    """Training and validation of the epoch, wall time."""
    images_per_second: float
    """Training alone."""

    def validation(self, measure: str) -> float:
        """Validation measure by the name that a recipe selects it by."""
        return {
            "auc": self.validation_auc,
            "ap": self.validation_ap,
            "balanced_accuracy": self.validation_balanced_accuracy,
        }[measure]

    def sentence(self) -> str:
        """Return the epoch as one line for the terminal."""
        return (
            f"epoch {self.epoch}: loss {fixed(self.loss, 4)}, validation AUC {fixed(self.validation_auc)}, "
            f"AP {fixed(self.validation_ap)}, balanced accuracy {fixed(self.validation_balanced_accuracy)}, "
            f"{fixed(self.images_per_second, 0)} images/s"
        )

    @classmethod
    def of(
        cls,
        epoch: int,
        loss: LossParts,
        validation: Predictions,
        positives: Sequence[str],
        *,
        learning_rate: float,
        seconds: float,
        images_per_second: float,
    ) -> "HistoryRow":
        """Join the losses of an epoch with the measures of its predictions on the validation split."""
        return cls(
            epoch=epoch,
            learning_rate=learning_rate,
            loss=loss.total,
            focal=loss.focal,
            dice_pool3=loss.dice_pool3,
            dice_pool4=loss.dice_pool4,
            validation_auc=main_value(validation, positives, "auc"),
            validation_ap=main_value(validation, positives, "ap"),
            validation_balanced_accuracy=main_value(validation, positives, "balanced_accuracy"),
            seconds=round(seconds, 3),
            images_per_second=round(images_per_second, 2),
        )


def best_row(history: Sequence[HistoryRow], measure: str) -> HistoryRow | None:
    """Return the earliest epoch of the highest validation measure; None of an empty history."""
    return max(history, key=lambda row: row.validation(measure), default=None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SegmenterRow:
    """One epoch of a segmenter, counted from 1; overlaps are means over the held-out images in the prepared size."""

    epoch: int
    learning_rate: float
    """Of the epoch's last step."""
    loss: float
    threshold_jaccard: float
    jaccard: float
    dice: float
    seconds: float
    """Training and validation of the epoch, wall time."""
    images_per_second: float
    """Training alone."""

    def sentence(self) -> str:
        """Return the epoch in one line for the terminal."""
        return (
            f"epoch {self.epoch}: loss {fixed(self.loss, 4)}, held-out threshold Jaccard "
            f"{fixed(self.threshold_jaccard)}, Jaccard {fixed(self.jaccard)}, Dice {fixed(self.dice)}, "
            f"{fixed(self.images_per_second, 0)} images/s"
        )


def best_segmenter_row(history: Sequence[SegmenterRow]) -> SegmenterRow:
    """Return the earliest epoch of the highest threshold Jaccard; among equals, as when all are 0, of the Jaccard."""
    return max(history, key=lambda row: (row.threshold_jaccard, row.jaccard))


Row = TypeVar("Row", HistoryRow, SegmenterRow)


def write_history(path: Path, history: Sequence[HistoryRow | SegmenterRow]) -> None:
    """Write all epochs, at least one, as CSV, anew each time, so that a resumed run has no doubled row."""
    names = [field.name for field in dataclasses.fields(history[0])]
    write_table(path, names, ([getattr(row, name) for name in names] for row in history))


def read_history(path: Path) -> tuple[HistoryRow, ...]:
    """Read the history of a classifier; empty where there is no file yet.

    Raises:
        TrainingError: the file is damaged.
    """
    if not path.is_file():
        return ()
    cure = "put it back as the training wrote it, or delete it to go without learning curves"
    names = [field.name for field in dataclasses.fields(HistoryRow)]
    with damage(path, TrainingError, cure):
        return tuple(read_row(HistoryRow, row) for row in read_table(path, names))


def read_row(kind: type[Row], values: dict[str, str]) -> Row:
    """Return a row from the texts of its fields."""
    numbers = {name: number_or_nan(value) for name, value in values.items() if name != "epoch"}
    return kind(epoch=int(values["epoch"]), **numbers)


def event_file(folder: Path, row: HistoryRow | SegmenterRow) -> Path:
    """Return the event file of an epoch."""
    return folder / f"events.out.tfevents.{row.epoch:06d}"


def write_events(folder: Path, row: HistoryRow | SegmenterRow) -> None:
    """Write one epoch as a TensorBoard event file of its own; an epoch that is trained again replaces its file.

    Not torch's SummaryWriter: it writes from a thread, which on a full disk leaves half a file and a traceback.
    """
    # Imported here: commands that do not train need not wait for them.
    from tensorboard.compat.proto.event_pb2 import Event  # pyright: ignore[reportAttributeAccessIssue] - protobuf makes it
    from tensorboard.compat.proto.summary_pb2 import Summary  # pyright: ignore[reportAttributeAccessIssue] - likewise
    from tensorboard.summary.writer.record_writer import RecordWriter

    values = [
        Summary.Value(tag=name.replace("validation_", "validation/"), simple_value=value)
        for name, value in dataclasses.asdict(row).items()
        if name != "epoch" and not math.isnan(value)
    ]
    now = time.time()
    head = Event(wall_time=now, file_version="brain.Event:2")
    event = Event(wall_time=now, step=row.epoch, summary=Summary(value=values))
    with replacing(event_file(folder, row)) as part, part.open("wb") as file:
        for one in (head, event):
            RecordWriter(file).write(one.SerializeToString())
