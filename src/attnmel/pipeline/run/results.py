"""What `evaluate` found, as one record a split or external set, and the file of a run that holds them all."""

import dataclasses
import json
from typing import Any

from attnmel import NOTICE
from attnmel.errors import PredictionsError
from attnmel.evaluation.classification.report import ClassificationReport
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.evaluation.statistics.format import plain
from attnmel.folders import RunFolder, replacing
from attnmel.records import Predictions

CHOOSES = "validation"
"""Split whose predictions choose thresholds and temperature, whatever is judged."""


@dataclasses.dataclass(frozen=True)
class SplitResults:
    """What `evaluate` found on one split or external set."""

    name: str
    """Under which the files of this judgement lie in the run folder."""
    dataset: str
    on: str | None
    """The data set or folder as it was named; None for the run's own."""
    split: str
    epoch: int
    licence: str
    """Of the data that the network was trained on."""
    judgement: ClassificationReport
    overlap: dict[str, Interval]
    """Mean Jaccard index of each attention map with the lesion mask; empty without maps or masks."""
    masks: int
    """Images with a lesion mask, over which the overlap is averaged."""
    submission: str
    """What stands in the official submission file; empty where the data set has no official format, or one of classes
    that the network does not predict."""

    @property
    def sentence(self) -> str:
        """Return what was judged, in one line."""
        counts = ", ".join(f"{count} {name}" for name, count in self.judgement.counts.items())
        notes = "".join(f"\nnote: {note}" for note in self.judgement.notes)
        return f"{self.dataset}, {self.split}: {self.judgement.images} images ({counts}), epoch {self.epoch}{notes}"

    def table(self) -> list[list[str]]:
        """Return the measures as text: task, measure, value, interval."""
        measures = [[row.task, row.measure, *plain((row.value, row.low, row.high))] for row in self.judgement.rows]
        overlap = f"jaccard ({self.masks} masks)"
        return measures + [[f"attention {name}", overlap, *plain(values)] for name, values in self.overlap.items()]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"notice": NOTICE, **dataclasses.asdict(self), "judgement": self.judgement.to_dict()}

    @staticmethod
    def from_dict(plain: dict[str, Any]) -> "SplitResults":
        """Read what `as_dict` gave."""
        overlap = {name: Interval(*values) for name, values in plain["overlap"].items()}
        judgement = ClassificationReport.from_dict(plain["judgement"])
        own = {name: value for name, value in plain.items() if name != "notice"}
        return SplitResults(**{**own, "judgement": judgement, "overlap": overlap})


def read_measures(run: RunFolder) -> dict[str, SplitResults]:
    """Return every judgement of a run by its name; empty where there is none yet.

    Raises:
        PredictionsError: the file is damaged.
    """
    if not run.measures.is_file():
        return {}
    try:
        plain = json.loads(run.measures.read_text(encoding="utf-8"))
        return {name: SplitResults.from_dict(one) for name, one in plain.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise PredictionsError(
            f"{run.measures} is damaged or of another version; delete it and run `attnmel evaluate` again"
        ) from None


def choosing_predictions(run: RunFolder, epoch: int) -> Predictions | None:
    """Return the predictions of the split `CHOOSES`; None where there are none of this epoch.

    Raises:
        PredictionsError: a file is damaged.
    """
    chose = read_measures(run).get(CHOOSES)
    if chose is None or chose.epoch != epoch or not run.predictions(CHOOSES).is_file():
        return None
    return Predictions.read(run.predictions(CHOOSES))


def add_measures(run: RunFolder, judged: SplitResults) -> None:
    """Put one judgement beside the others of a run, in place of an earlier one of its name."""
    every = read_measures(run) | {judged.name: judged}
    with replacing(run.measures) as part:
        part.write_text(json.dumps({name: one.as_dict() for name, one in every.items()}, indent=2), encoding="utf-8")
