"""Measures of maps by image, and the file that holds them: one row an image, a column a map, measure and target."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from attnmel.errors import PredictionsError, listed
from attnmel.files.table_files import damage, read_header_and_rows, write_table
from attnmel.records import Predictions

BETWEEN = "|"
"""Between map, measure and target in the header of a column; the name of a map may hold it, too."""

OF_IMAGE = ("image", "group", "label", "called")

EVERY, HIT, MISS = "all", "hit", "miss"


class MapColumn(NamedTuple):
    """What a column holds."""

    map: str
    """Name of the method, such as "attention-pool4" or "cam"."""
    measure: str
    target: str = ""
    """What the map was compared with; empty for a measure that needs no mask."""

    @property
    def header(self) -> str:
        """How the file calls it."""
        return BETWEEN.join(self)


@dataclass(frozen=True)
class MapTable:
    """Measures of maps on the same images."""

    image_ids: tuple[str, ...]
    groups: tuple[str, ...]
    """The lesion or patient of each image, as in `Predictions`."""
    labels: tuple[str, ...]
    """The true class; empty where it is not known."""
    called: tuple[str, ...]
    """The class that the network gave the highest probability; empty where two share it, which is a miss."""
    values: Mapping[MapColumn, Float[np.ndarray, " N"]]
    """NaN where there is no answer."""

    def __post_init__(self) -> None:
        columns = (self.image_ids, self.groups, self.labels, self.called, *self.values.values())
        if len(lengths := {len(column) for column in columns}) != 1:
            raise PredictionsError(f"measures of maps of unequal length: {sorted(lengths)}")
        if odd := [column.header for column in self.values if BETWEEN in column.measure + column.target]:
            raise PredictionsError(f"'{BETWEEN}' in the measure or target of {listed(odd)}; choose another name")

    @staticmethod
    def of(predictions: Predictions, values: Mapping[MapColumn, Float[np.ndarray, " N"]]) -> "MapTable":
        """Join measures with predictions of the same images, row by row."""
        classes, labels, shares = predictions.classes, predictions.labels.tolist(), predictions.probabilities
        alone = (shares == shares.max(axis=1, keepdims=True)).sum(axis=1) == 1
        return MapTable(
            predictions.image_ids,
            predictions.groups,
            tuple(classes[label] if label >= 0 else "" for label in labels),
            tuple(
                classes[place] if sure else ""
                for place, sure in zip(shares.argmax(axis=1).tolist(), alone.tolist(), strict=True)
            ),
            values,
        )

    def column(self, column: MapColumn) -> Float[np.ndarray, " N"]:
        """Return one measure of every image.

        Raises:
            PredictionsError: there is no such column; lists those that there are.
        """
        if column not in self.values:
            known = ", ".join(one.header for one in self.values) or "none"
            raise PredictionsError(f"no measure {column.header} in the table; known: {known}")
        return self.values[column]

    def parts(self) -> dict[str, Bool[np.ndarray, " N"]]:
        """Return which images are in each part: all, then of each class, then hit and miss.

        An image without a label is in the first alone. A part without images is left out.
        """
        labels, called = np.array(self.labels, dtype=np.str_), np.array(self.called, dtype=np.str_)
        labelled = labels != ""
        parts = {EVERY: np.ones(len(labels), dtype=np.bool_)}
        parts |= {f"label {label}": labels == label for label in sorted(set(self.labels) - {""})}
        parts |= {HIT: labelled & (labels == called), MISS: labelled & (labels != called)}
        return {name: members for name, members in parts.items() if members.any()}

    def write(self, path: Path, licence: str) -> None:
        """Write one row an image; a measure that is not defined stays empty."""
        header = [*OF_IMAGE, *(column.header for column in self.values)]
        figures = (column.astype(float).tolist() for column in self.values.values())
        columns = (self.image_ids, self.groups, self.labels, self.called, *figures)
        write_table(path, header, zip(*columns, strict=True), licence=licence)

    @staticmethod
    def read(path: Path) -> "MapTable":
        """Read what `write` wrote.

        Raises:
            PredictionsError: no such file, or one of another kind.
        """
        header, rows = image_rows(path, "measures of maps", "attnmel explain RUN")
        columns = {name: name.rsplit(BETWEEN, 2) for name in header if name not in OF_IMAGE}
        if not set(OF_IMAGE) <= set(header) or any(len(parts) != 3 for parts in columns.values()):
            raise PredictionsError(
                f"{path.name} is no table of measures of maps; expected the columns {', '.join(OF_IMAGE)} and "
                f"map{BETWEEN}measure{BETWEEN}target"
            )
        image_ids, groups, labels, called = (tuple(row[name] for row in rows) for name in OF_IMAGE)
        values = {MapColumn(*parts): numbers(rows, name, path.name) for name, parts in columns.items()}
        return MapTable(image_ids, groups, labels, called, values)


def image_rows(path: Path, what: str, command: str) -> tuple[list[str], list[dict[str, str]]]:
    """Return the header and the rows of a table with a row an image, that a command wrote.

    Raises:
        PredictionsError: no such file, or no table of text.
    """
    if not path.is_file():
        raise PredictionsError(f"no {what} at {path}; make them with `{command}`")
    with damage(path, PredictionsError, f"run `{command}` again", found="no table of text"):
        return read_header_and_rows(path)


def numbers(rows: list[dict[str, str]], name: str, file: str) -> Float[np.ndarray, " N"]:
    """Return a column of numbers; an empty cell is NaN.

    Raises:
        PredictionsError: names the image of a cell that is no number.
    """
    found = np.full(len(rows), np.nan)
    for place, row in enumerate(rows):
        try:
            found[place] = float(row[name]) if row[name] else np.nan
        except (TypeError, ValueError):
            raise PredictionsError(
                f"{file}, {row['image']}, column {name}: found '{row[name]}', expected a number or nothing"
            ) from None
    return found
