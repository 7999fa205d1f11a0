"""What a model says of image files, as a table in CSV or JSON that is written while the answers come. No torch."""

import csv
import dataclasses
import io
import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from attnmel import NOTICE
from attnmel.deploy.onnx_file import Threshold
from attnmel.models.weights.card import Card
from attnmel.table_files import notice_lines


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a model says of one file."""

    image: str
    probabilities: tuple[float, ...]
    """In the order of the classes; empty where the file could not be used."""
    error: str = ""
    attention: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict, compare=False, repr=False)
    """Attention maps [h w] of the part that the network saw, by name; kept nowhere."""


@dataclasses.dataclass(frozen=True)
class Table:
    """How the answers of one model are written, with its notice and licence."""

    card: Card
    temperature: float | None = None
    """What divided the scores; None where probabilities are not calibrated."""
    thresholds: tuple[Threshold, ...] = ()
    """On the calibrated probability of a class; empty for a model without."""

    def lines(self, answers: Iterable[Answer], *, as_json: bool = False) -> Iterator[str]:
        """Give the text of the table part by part: its head, then each answer as it comes, then its end."""
        for text in self._json(answers) if as_json else self._csv(answers):
            # A file's name may hold bytes that are no text, which neither a file nor a terminal takes.
            yield text.encode("utf-8", "backslashreplace").decode("utf-8")

    def _csv(self, answers: Iterable[Answer]) -> Iterator[str]:
        yield f"{notice_lines(self.card.licence)}# {self._calibration()}\n"
        yield _csv_row(["image", *(f"probability_{name}" for name in self.card.classes), "error"])
        blank = [""] * len(self.card.classes)
        for answer in answers:
            shares = [f"{share:.6f}" for share in answer.probabilities]
            yield _csv_row([answer.image, *(shares or blank), answer.error])

    def _json(self, answers: Iterable[Answer]) -> Iterator[str]:
        card = self.card
        head = {"notice": NOTICE, "licence": card.licence, "recipe": card.recipe, "epoch": card.epoch}
        told = {"calibration": self._calibration(), "temperature": self.temperature}
        chosen = {"chosen_on": card.chosen_on, "thresholds": [dataclasses.asdict(one) for one in self.thresholds]}
        chosen = chosen if self.thresholds else {}
        yield json.dumps({**head, **told, **chosen, "images": []}, indent=2).removesuffix("]\n}")
        before = "\n"
        for answer in answers:
            said = (
                {"error": answer.error}
                if answer.error
                else {"probabilities": dict(zip(card.classes, answer.probabilities, strict=True))}
            )
            yield before + textwrap.indent(json.dumps({"image": answer.image, **said}, indent=2), "    ")
            before = ",\n"
        yield "\n  ]\n}\n"

    def _calibration(self) -> str:
        """Say whether the probabilities are calibrated, and why not."""
        if self.temperature is not None:
            return f"Calibrated: temperature {self.temperature:g}, fitted on {self.card.chosen_on}."
        reason = "the checkpoint holds no temperature" if self.card.temperature is None else "as asked for"
        return f"Not calibrated: {reason}."


def _csv_row(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
