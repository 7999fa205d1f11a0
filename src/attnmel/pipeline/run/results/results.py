"""The results of `evaluate`, one record a split or external data set, and the file of a run that holds them all."""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attnmel import NOTICE
from attnmel.config.settings.data import DataSettings
from attnmel.data.datasets.read_dataset import own_folder_path, refuse_unread_columns, set_name, whole_set_tests
from attnmel.errors import ConfigError, PredictionsError, counted, require_known
from attnmel.evaluation.classification.report import ClassificationReport
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.files.folders import RunFolder
from attnmel.files.table_files import damage, null_to_nan, read_json, write_json
from attnmel.number_formats import two_cells
from attnmel.pipeline.run.images.left_out import ALL
from attnmel.records import EVERY_SPLIT, RECALIBRATION, scale_in_words

CHOOSES = "validation"
"""Split whose predictions choose thresholds and temperature, whatever is evaluated."""

TTA = "-tta-"
"""In the name of results that were predicted with other transforms than the model's own, before theirs."""

ANOTHER_VERSION = "damaged or of another version"
EVALUATE_AGAIN = "delete it and run `attnmel evaluate` again"


@dataclasses.dataclass(frozen=True)
class SplitResults:
    """The results on one split or external data set."""

    name: str
    """Of the files in the run folder that hold these results."""
    dataset: str
    on: str | None
    """The data set or folder as it was given; None for the run's own."""
    split: str
    epoch: int
    licence: str
    """Of the data that the network was trained on."""
    judgement: ClassificationReport = dataclasses.field(repr=False)
    overlap: dict[str, Interval]
    """Mean Jaccard index of each attention map with the lesion mask; empty without maps or masks."""
    masks: int
    """Images with a lesion mask, over which the overlap is averaged."""
    submission: str
    """Description of the official submission file; empty where the data set has no official format, or one of classes
    that the network does not predict."""
    temperature: float | None = None
    """Of the probabilities that were evaluated; None for uncalibrated ones."""
    columns: dict[str, str] = dataclasses.field(default_factory=dict)
    """How the table of `on` calls its columns, where it calls them differently."""

    @property
    def title(self) -> str:
        """The name as a page shows it, which says where images of another place chose in place of the validation's."""
        return RECALIBRATION if self.name == CHOOSES and self.on is not None else self.name

    @property
    def sentence(self) -> str:
        """Return what was evaluated, in one line."""
        counts = ", ".join(f"{count} {name}" for name, count in self.judgement.counts.items())
        epoch = f", epoch {self.epoch}" if self.epoch else ""  # a fitted system has none
        notes = "".join(f"\nnote: {note}" for note in self.judgement.notes)
        what = f"{self.dataset}, {self.split}: {counted(self.judgement.images, 'image')} ({counts}){epoch}"
        return f"{what}; {scale_in_words(self.temperature)}{notes}"

    def table(self) -> list[list[str]]:
        """Return the measures as text: task, measure, value, interval."""
        measures = [[row.task, row.measure, *two_cells(row.interval)] for row in self.judgement.rows]
        overlap = f"jaccard ({self.masks} masks)"
        return measures + [[f"attention {name}", overlap, *two_cells(values)] for name, values in self.overlap.items()]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"notice": NOTICE, **dataclasses.asdict(self), "judgement": self.judgement.to_dict()}

    @staticmethod
    def from_dict(plain: dict[str, Any]) -> "SplitResults":
        """Read what `as_dict` gave."""
        overlap = {name: Interval(*null_to_nan(values)) for name, values in plain["overlap"].items()}
        judgement = ClassificationReport.from_dict(plain["judgement"])
        own = {name: value for name, value in plain.items() if name != "notice"}
        return SplitResults(**{**own, "judgement": judgement, "overlap": overlap})


def results_name(on: str | None, split: str | None, exclude: Path | None, tag: str = "") -> tuple[str, str]:
    """Return the split that is evaluated, and the name of its results; `tag` tells of changed settings."""
    split = split or (ALL if on is not None and whole_set_tests(on) else "test")
    require_known("split", split, (*EVERY_SPLIT, ALL))
    name = (split if on is None else f"{set_name(on)}-{split}") + tag
    return split, name if exclude is None else f"{name}-without-{plain_word(exclude.stem)}"


def external_set(on: str | None, own: str) -> str | None:
    """Return the data set to evaluate on as an absolute path or a known name; None where it is the run's own after all.

    As an external data set, the run's own would bring back the images that it was trained on.
    """
    if on is None or on == own:
        return None
    folder, own_folder = own_folder_path(on), own_folder_path(own)
    if folder is None:
        return on
    if own_folder is not None and folder.samefile(own_folder):
        return None
    return str(folder.resolve() if ".." in folder.parts else folder)  # ".." is no name for results


def check_columns(columns: Mapping[str, str], on: str | None, own: DataSettings) -> None:
    """Refuse columns that are named for a labels.csv where they would not be read.

    That is on a known data set, and on the run's own data, `on` being None, where they are not those of its recipe.

    Raises:
        ConfigError: says which, and what to do.
    """
    if on is not None:
        refuse_unread_columns(columns, on)
    elif columns and dict(columns) != own.columns:
        refuse_unread_columns(columns, own.dataset)
        raise ConfigError(
            f"columns are named ({', '.join(columns)}), but the run's own data is evaluated, whose table is read by "
            "the columns that it was trained with; leave out --columns, or name another folder by --on"
        )


def is_same_set(one: str | None, other: str | None) -> bool:
    """Whether two external data sets, as `external_set` returns them, are the same one, also by a link."""
    if one == other or one is None or other is None:
        return one == other
    paths = Path(one), Path(other)
    return all(path.is_absolute() and path.exists() for path in paths) and paths[0].samefile(paths[1])


def columns_on(results: Mapping[str, SplitResults], on: str | None) -> dict[str, str]:
    """Return how the table of an external set called its columns when it was evaluated; empty where it was not."""
    return next((one.columns for one in results.values() if is_same_set(one.on, on)), {})


def plain_word(text: str) -> str:
    """Return a text as a part of the name of results: letters, digits, "_" and "-"."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text)


def read_measures(run: RunFolder) -> dict[str, SplitResults]:
    """Return the results of a run by their names; empty where there are none yet.

    Raises:
        PredictionsError: the file is damaged.
    """
    if not run.measures.is_file():
        return {}
    with damage(run.measures, PredictionsError, EVALUATE_AGAIN, found=ANOTHER_VERSION):
        return {name: SplitResults.from_dict(one) for name, one in read_json(run.measures).items()}


def write_measures(run: RunFolder, results: Mapping[str, SplitResults]) -> None:
    """Write the results of a run by their names."""
    write_json(run.measures, {name: one.as_dict() for name, one in results.items()}, durable=True)


def add_measures(run: RunFolder, results: SplitResults) -> None:
    """Add results to the others of a run, in place of earlier ones of the same name."""
    write_measures(run, read_measures(run) | {results.name: results})
