"""The table of predicted probabilities in CSV or JSON, written while the results come. No torch."""

import csv
import dataclasses
import io
import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from attnmel import NOTICE
from attnmel.data.preprocess.network_input import Seen
from attnmel.deploy.onnx_file import Threshold
from attnmel.models.weights.card import Card
from attnmel.table_files import notice_lines


@dataclasses.dataclass(frozen=True)
class ImageResult:
    """One row of the table: the prediction for a file, or the reason why it could not be used."""

    image: str
    probabilities: tuple[float, ...]
    """In the order of the classes; empty if the file could not be used."""
    error: str = ""
    attention: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict, compare=False, repr=False)
    """Attention maps [h w] of the part that the network saw, by name; not in the table."""
    seen: Seen | None = dataclasses.field(default=None, compare=False, repr=False)
    """What the network saw of the image; None if the file could not be used, or of a result that was stored."""


@dataclasses.dataclass(frozen=True)
class Table:
    """The format of the results of a model, with its notice and licence."""

    card: Card
    temperature: float | None = None
    """Divisor of the scores; None if the probabilities are not calibrated."""
    thresholds: tuple[Threshold, ...] = ()
    """Thresholds of the calibrated probabilities; empty for a model without."""

    def lines(self, results: Iterable[ImageResult], *, as_json: bool = False) -> Iterator[str]:
        """Yield the text of the table in parts: its head, each result as it comes, its end."""
        for text in self._json(results) if as_json else self._csv(results):
            # A file's name may contain bytes that are no text, which cannot be written.
            yield text.encode("utf-8", "backslashreplace").decode("utf-8")

    def _csv(self, results: Iterable[ImageResult]) -> Iterator[str]:
        yield f"{notice_lines(self.card.licence)}# {self._calibration()}\n"
        yield _csv_row(["image", *(f"probability_{name}" for name in self.card.classes), "error"])
        blank = [""] * len(self.card.classes)
        for one in results:
            probabilities = [f"{value:.6f}" for value in one.probabilities]
            yield _csv_row([one.image, *(probabilities or blank), one.error])

    def _json(self, results: Iterable[ImageResult]) -> Iterator[str]:
        card = self.card
        head = {"notice": NOTICE, "licence": card.licence, "recipe": card.recipe, "epoch": card.epoch}
        calibration = {"calibration": self._calibration(), "temperature": self.temperature}
        chosen = {"chosen_on": card.chosen_on, "thresholds": [dataclasses.asdict(one) for one in self.thresholds]}
        chosen = chosen if self.thresholds else {}
        yield json.dumps({**head, **calibration, **chosen, "images": []}, indent=2).removesuffix("]\n}")
        before = "\n"
        for one in results:
            found = (
                {"error": one.error}
                if one.error
                else {"probabilities": dict(zip(card.classes, one.probabilities, strict=True))}
            )
            yield before + textwrap.indent(json.dumps({"image": one.image, **found}, indent=2), "    ")
            before = ",\n"
        yield "\n  ]\n}\n"

    def _calibration(self) -> str:
        """Return a sentence that says whether the probabilities are calibrated, and why not."""
        if self.temperature is not None:
            return f"Calibrated: temperature {self.temperature:g}, fitted on {self.card.chosen_on}."
        reason = "the checkpoint has no temperature" if self.card.temperature is None else "as requested"
        return f"Not calibrated: {reason}."


def _csv_row(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
