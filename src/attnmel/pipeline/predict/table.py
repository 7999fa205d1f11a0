"""The table of predicted probabilities and decisions in CSV or JSON, written while the results come. No torch.

CSV columns: image, probability_<class>..., decision_<operating point>..., added columns..., error.
"""

import dataclasses
import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from attnmel import NOTICE
from attnmel.data.preprocess.network_input import Seen
from attnmel.errors import printable
from attnmel.files.table_files import csv_row, nan_to_null, notice_text
from attnmel.models.weights.card import Card
from attnmel.models.weights.operating_points import Decision, Threshold, decisions_of
from attnmel.number_formats import significant

ADDED: tuple[str, ...] = ("share_of_image", "share_of_lesion", "warnings", "notes")
"""Columns after the decisions, in order: their values are in `ImageResult.added`, a missing one is an empty cell."""

BETWEEN = "; "
"""What separates several warnings or notes in a cell."""

MADE_WITH = "Made with: "
"""Start of the line of a notice that holds what the table was made with as JSON."""

KEY = "made_with"
"""Of the same in a table of JSON."""

Cell = Sequence[str] | float | int | None


@dataclasses.dataclass(frozen=True)
class ImageResult:
    """One row of the table: the prediction for a file, or the reason why it could not be used."""

    image: str
    probabilities: tuple[float, ...]
    """In the order of the classes; empty if the file could not be used."""
    error: str = ""
    attention: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict, compare=False, repr=False)
    """Attention maps [h w] of the part that the network saw, by name; not in the table."""
    added: Mapping[str, Cell] = dataclasses.field(default_factory=dict)
    """Values of the columns `ADDED`, by name."""
    seen: Seen | None = dataclasses.field(default=None, compare=False, repr=False)
    """What the network saw of the image; None if the file could not be used, or of a result that was stored."""


@dataclasses.dataclass(frozen=True)
class PredictionTable:
    """The format of the results of a model, with its notice and licence."""

    card: Card
    temperature: float | None = None
    """Divisor of the scores; None if the probabilities are not calibrated."""
    thresholds: tuple[Threshold, ...] = ()
    """Thresholds of these probabilities, each with a column of decisions: the model's own, then the user's."""
    not_checked: tuple[str, ...] = ()
    """A sentence for each warning that cannot be given."""
    runs: int = 1
    """Of which the probabilities are the mean; of several, a column says how far they are apart."""
    not_calibrated: str = ""
    """Why a mean of several runs has no temperature; empty where it has one, and of a single run."""
    transforms: tuple[str, ...] = ()
    """Sentences without a stop that say over which transforms of each image probabilities are means."""
    made_with: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Everything that the results depend on, by name; only of a table that is written to a file."""

    @property
    def scale(self) -> str:
        """Start of the columns of probabilities: "uncalibrated" where the model has a temperature that is not used.

        That holds for a mean of several runs as for a run: `probability` is the scale that its thresholds are of.
        """
        is_left_out = self.temperature is None and self.card.temperature is not None
        return "uncalibrated" if is_left_out else "probability"

    @property
    def added(self) -> tuple[str, ...]:
        """Columns between the decisions and the error."""
        return (*map(spread_column, self.card.positives if self.runs > 1 else ()), *ADDED)

    @property
    def columns(self) -> tuple[str, ...]:
        """The header of the CSV table."""
        probabilities = (f"{self.scale}_{name}" for name in self.card.classes)
        decisions = (f"decision_{one.name}" for one in self.thresholds)
        return ("image", *probabilities, *decisions, *self.added, "error")

    @property
    def notice(self) -> str:
        """What a reader of the CSV must know, a fact a line: the use, the licence, the scale, the thresholds."""
        known = (_explained(one, self.card) for one in self.thresholds)
        lines = known if self.thresholds else ["No decisions: no operating point is known."]
        unchecked = (f"{one}." for one in self.not_checked)
        means = (*self._mean(), *(f"{one[0].upper()}{one[1:]}." for one in self.transforms))
        made = [f"{MADE_WITH}{json.dumps(dict(self.made_with))}"] if self.made_with else []
        return notice_text(self.card.licence, *means, self._calibration(), *lines, *unchecked, *made)

    @property
    def short_notice(self) -> str:
        """The notice in three lines, for a terminal: use and licence, scale and thresholds, where the rest is."""
        licence = " ".join(self.card.licence.split())
        points = ", ".join(f"{significant(one.threshold, 6)} ({one.name})" for one in self.thresholds)
        decisions = f"Decisions: 1 above {points}." if points else "No decisions: no operating point is known."
        rest = "What each decision achieved, and which warnings are not checked: --verbose, or the file next to --out."
        scale = " ".join([*self._mean(), self._calibration(), decisions])
        return f"{NOTICE} Trained on data under: {licence}\n{scale}\n{rest}\n"

    def lines(self, results: Iterable[ImageResult], *, as_json: bool = False) -> Iterator[str]:
        """Yield the text of the table in parts: its head, each result as it comes, its end."""
        for text in self._json(results) if as_json else self._csv(results):
            # A file's name may contain bytes that are no text, which cannot be written.
            yield printable(text)

    def decisions(self, result: ImageResult) -> tuple[Decision, ...]:
        """Return the decisions of a result, one a threshold; none if the file could not be used."""
        by_class = dict(zip(self.card.classes, result.probabilities, strict=True)) if not result.error else {}
        return decisions_of(by_class, self.thresholds if by_class else ())

    def _csv(self, results: Iterable[ImageResult]) -> Iterator[str]:
        yield csv_row(self.columns)
        blank = (None,) * (len(self.card.classes) + len(self.thresholds))
        for one in results:
            numbers = (*one.probabilities, *(int(found.positive) for found in self.decisions(one)))
            yield csv_row(
                [one.image, *(numbers or blank), *(_text(one.added.get(name)) for name in self.added), one.error]
            )

    def _json(self, results: Iterable[ImageResult]) -> Iterator[str]:
        yield json.dumps({**self.head(), "images": []}, indent=2).removesuffix("]\n}")
        before = "\n"
        for one in results:
            yield before + textwrap.indent(json.dumps(self.plain_result(one), indent=2), "    ")
            before = ",\n"
        yield "\n  ]\n}\n"

    def head(self) -> dict[str, object]:
        """Return what the JSON says of all images: notice, licence, calibration, transforms, thresholds."""
        card = self.card
        head = {"notice": NOTICE, "licence": card.licence, "recipe": card.recipe, "epoch": card.epoch}
        runs = {"runs": self.runs} if self.runs > 1 else {}
        calibration = {**runs, "calibration": self._calibration(), "temperature": self.temperature}
        named = [{"name": one.name, **dataclasses.asdict(one)} for one in self.thresholds]
        chosen = {"chosen_on": card.chosen_in_words, "thresholds": nan_to_null(named)} if named else {}
        unchecked = {"warnings_not_checked": self.not_checked} if self.not_checked else {}
        made = {KEY: dict(self.made_with)} if self.made_with else {}
        return {**head, **calibration, "transforms": self.transforms, **chosen, **unchecked, **made}

    def plain_result(self, one: ImageResult) -> dict[str, object]:
        """Return what the JSON says of one image."""
        return {"image": printable(one.image), **self._found(one), **one.added}

    def _found(self, one: ImageResult) -> dict[str, object]:
        if one.error:
            return {"error": one.error}
        key = "probabilities" if self.scale == "probability" else self.scale
        found: dict[str, object] = {key: dict(zip(self.card.classes, one.probabilities, strict=True))}
        decisions = {each.threshold.name: int(each.positive) for each in self.decisions(one)}
        return found | ({"decisions": decisions} if decisions else {})

    def _calibration(self) -> str:
        """Return a sentence that says whether the probabilities are calibrated, and why not."""
        if self.temperature is not None:
            return f"Calibrated: temperature {self.temperature:g}, fitted on {self.card.chosen_in_words}."
        why = self.not_calibrated or self.card.why_uncalibrated
        return f"Not calibrated: {why if self.card.temperature is None else 'as requested'}."

    def _mean(self) -> list[str]:
        if self.runs == 1:
            return []
        columns = ", ".join(map(spread_column, self.card.positives))
        return [f"Mean of {self.runs} runs; {columns}: standard deviation of the probability between them."]


def spread_column(name: str) -> str:
    """Return the column of the standard deviation between runs of the probability of a class."""
    return f"spread_{name}"


def seen_cells(seen: Seen) -> dict[str, Cell]:
    """Return the values of the columns `ADDED`; shares with four digits."""
    of_lesion = None if seen.share_of_lesion is None else round(seen.share_of_lesion, 4)
    cells = (round(seen.share_of_image, 4), of_lesion, seen.warnings, seen.notes)
    return dict(zip(ADDED, cells, strict=True))


def texts_of(added: Mapping[str, Cell], column: str) -> Sequence[str]:
    """Return the warnings or the notes in the columns `ADDED`."""
    found = added.get(column)
    return found if isinstance(found, Sequence) else ()


def _text(cell: Cell) -> str | float | None:
    return BETWEEN.join(cell) if isinstance(cell, Sequence) else cell


def _explained(one: Threshold, card: Card) -> str:
    """Say what a column of decisions means, and what its threshold achieved."""
    words = f"decision_{one.name}: 1 if the probability of {one.task} is above {one.threshold!r}, else 0"
    achieved = (each.sentence(card.trained_on, card.chosen_elsewhere) for each in one.achieved)
    return f"{'; '.join([words, *achieved])}."
