"""What each epoch of a segmenter's training gave: one row, and the best of them."""

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True, kw_only=True)
class SegmenterRow:
    """One epoch, counted from 1; overlaps are means over the held-out images in the prepared size."""

    epoch: int
    learning_rate: float
    """Of the epoch's last step."""
    loss: float
    threshold_jaccard: float
    jaccard: float
    dice: float
    seconds: float
    """Training and judging of the epoch, wall time."""
    images_per_second: float
    """Training alone."""

    def sentence(self) -> str:
        """Return the epoch in one line for the terminal."""
        return (
            f"epoch {self.epoch}: loss {self.loss:.4f}, held-out threshold Jaccard {self.threshold_jaccard:.3f}, "
            f"Jaccard {self.jaccard:.3f}, Dice {self.dice:.3f}, {self.images_per_second:.0f} images/s"
        )


def segmenter_row(values: dict[str, str]) -> SegmenterRow:
    """Return a row from text, field by field."""
    numbers = {name: float(value) for name, value in values.items() if name != "epoch"}
    return SegmenterRow(epoch=int(values["epoch"]), **numbers)


def best_epoch(history: Sequence[SegmenterRow]) -> SegmenterRow:
    """Return the earliest epoch of the highest threshold Jaccard; among equals, as when all are 0, of the Jaccard."""
    return max(history, key=lambda row: (row.threshold_jaccard, row.jaccard))
