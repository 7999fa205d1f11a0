"""What each epoch gave: one row, as CSV and as TensorBoard events."""

import csv
import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

from attnmel.evaluation.judgement import main_value
from attnmel.folders import replacing
from attnmel.losses import LossParts
from attnmel.records import Predictions


@dataclasses.dataclass(frozen=True, kw_only=True)
class HistoryRow:
    """One epoch, counted from 1; Dice terms NaN without a prior, validation measures averaged over the positives."""

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
        """Return the epoch in one line for the terminal."""
        return (
            f"epoch {self.epoch}: loss {self.loss:.4f}, validation AUC {self.validation_auc:.3f}, "
            f"AP {self.validation_ap:.3f}, balanced accuracy {self.validation_balanced_accuracy:.3f}, "
            f"{self.images_per_second:.0f} images/s"
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
        """Join the losses of an epoch with what the network then says of the validation split."""
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


def write_history(path: Path, history: Sequence[HistoryRow]) -> None:
    """Write all epochs as CSV, anew each time, so that a resumed run has no doubled row."""
    names = [field.name for field in dataclasses.fields(HistoryRow)]
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, names)
        table.writeheader()
        table.writerows(dataclasses.asdict(row) for row in history)


def read_history(path: Path) -> tuple[HistoryRow, ...]:
    """Read what `write_history` wrote; empty where there is no file yet."""
    if not path.is_file():
        return ()
    with path.open(newline="", encoding="utf-8") as file:
        return tuple(history_row(row) for row in csv.DictReader(file))


def history_row(values: dict[str, str]) -> HistoryRow:
    """Return a row from text, field by field."""
    numbers = {name: float(value) for name, value in values.items() if name != "epoch"}
    return HistoryRow(epoch=int(values["epoch"]), **numbers)


def write_events(folder: Path, row: HistoryRow) -> None:
    """Append one epoch to the TensorBoard events of a run.

    A resumed run appends from its first new epoch, and TensorBoard drops what an interrupted one wrote beyond it.
    """
    # Imported here: it takes a second, which commands that do not train need not wait for.
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder), purge_step=row.epoch) as events:
        for name, value in dataclasses.asdict(row).items():
            if name != "epoch" and not math.isnan(value):
                events.add_scalar(name.replace("validation_", "validation/"), value, row.epoch)
