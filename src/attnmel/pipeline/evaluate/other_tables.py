"""A table of another program, image ids and probabilities alone -> predictions with the labels of others."""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from attnmel.data.tables.problems import Problem, refuse, shown_cell
from attnmel.data.tables.schema import NUMBER
from attnmel.data.tables.text import TableText, read_text
from attnmel.data.tables.words import folded
from attnmel.diagnoses import REST, class_among
from attnmel.errors import PredictionsError, counted, listed
from attnmel.evaluation.challenge.entry import is_truth_note
from attnmel.evaluation.challenge.submission_file import ENDING, IDS
from attnmel.files.table_files import unguarded
from attnmel.records import Predictions

SCORES = ("probability", "score", "confidence", "prediction")
"""Names of the one column of a table about one class."""

PREFIX = re.compile(r"(?:probability|prob|p|score|prediction|pred)_")
"""What programs write before the name of a class."""


def table_predictions(path: Path, labelled: Predictions) -> tuple[Predictions, tuple[str, ...]]:
    """Return a table's probabilities of the images of `labelled`, with their labels and groups, and how it was read.

    Ids may have folders and endings; rows of other images are not read. A class is found by its name or another of the
    same diagnosis, also after `PREFIX`. One class may be missing, of two or if it is "rest": it has what is left of 1.

    Raises:
        PredictionsError: no such columns, an image twice or missing, or a cell that is no probability; lists them all.
    """
    try:
        text = read_text(path)
    except ValueError as damage:
        raise PredictionsError(f"{path} is {damage}; expected a table of image ids and probabilities") from None
    header, classes = text.rows[0].cells, labelled.classes
    ids = next((place for one in IDS for place, name in enumerate(header) if folded(name) == one), None)
    columns = {name: place for name in classes if (place := _column(name, header, classes)) is not None}
    columns = columns or _single(header, classes)
    left = [name for name in classes if name not in columns]
    if ids is None or not columns or len(left) > 1 or (left and left != [REST] and len(classes) > 2):
        raise PredictionsError(
            f"{path} has the columns {listed(header, 10)}; expected 'image' and a column of probabilities for each "
            f"class, {' and '.join(f'probability_{name}' for name in classes if name != REST)}; a submission to a "
            f"challenge is named with its data set, as isic2017:{path.name}"
        )
    probabilities = _probabilities(path, text, ids, columns, labelled)
    if left:
        rest = np.clip(1 - probabilities.sum(axis=1), 0, 1)
        probabilities = np.insert(probabilities, classes.index(left[0]), rest, axis=1)
    named = ", ".join(f"{header[place]} as {name}" for name, place in columns.items())
    notes = [
        f"{path.name}: columns read: {header[ids] or '(no name)'}, {named}; labels and groups are those of the first"
    ]
    if len(text.rows) - 1 > len(labelled.image_ids):
        notes.append(f"{path.name}: compared on {len(labelled.image_ids)} of its {len(text.rows) - 1} images")
    if np.array_equal(probabilities, np.eye(len(classes))[labelled.labels]):
        notes.append(is_truth_note(path.name))
    return dataclasses.replace(labelled, probabilities=probabilities, temperature=None), tuple(notes)


def _column(name: str, header: Sequence[str], classes: Sequence[str]) -> int | None:
    """Return the place of a class's column; one that says probability comes before one of the bare name."""
    keys = [folded(cell) for cell in header]
    bare = [PREFIX.sub("", key, count=1) for key in keys]
    ranks = (
        [place for place, key in enumerate(bare) if key == folded(name) and key != keys[place]],
        [place for place, key in enumerate(bare) if class_among(key, classes) == name and key != keys[place]],
        [place for place, key in enumerate(bare) if key == folded(name)],
        [place for place, key in enumerate(bare) if class_among(key, classes) == name],
    )
    return next((places[0] for places in ranks if places), None)


def _single(header: Sequence[str], classes: Sequence[str]) -> dict[str, int]:
    """Return the place of a column that names no class, where one class alone is no "rest"."""
    found = [place for one in SCORES for place, name in enumerate(header) if folded(name) == one]
    wanted = [name for name in classes if name != REST]
    return {wanted[0]: found[0]} if found and len(wanted) == 1 else {}


def _probabilities(
    path: Path, text: TableText, ids: int, columns: dict[str, int], labelled: Predictions
) -> np.ndarray:  # [N, columns]
    """Return the probabilities of the labelled images, in their order."""
    wanted, rows, problems = set(labelled.image_ids), {}, []
    for row in text.rows[1:]:
        if len(row.cells) <= max(ids, *columns.values()):
            problems.append(Problem(row.line, "", counted(len(row.cells), "cell"), "as many as in the header"))
            continue
        image = _image_id(unguarded(row.cells[ids]), wanted)
        if image not in wanted:
            continue
        if image in rows:
            problems.append(Problem(row.line, "", f"the image {image} again", "each image once"))
        cells = [text.number(row.cells[place]) for place in columns.values()]
        problems += [
            Problem(row.line, text.rows[0].cells[place], shown_cell(row.cells[place]), "a number in [0, 1]")
            for cell, place in zip(cells, columns.values(), strict=True)
            if not NUMBER.fullmatch(cell) or not 0 <= float(cell) <= 1
        ]
        rows[image] = cells
    if missing := [one for one in labelled.image_ids if one not in rows]:
        found = f"no row for {len(missing)} of {len(labelled.image_ids)} images ({listed(missing)})"
        problems.append(Problem(0, "", found, "one for each image that is compared"))
    refuse({str(path): sorted(problems)})
    return np.array([[float(cell) for cell in rows[one]] for one in labelled.image_ids])


def _image_id(cell: str, wanted: set[str]) -> str:
    """Return the id that a cell means: itself, without an ending, or without folders too."""
    whole = ENDING.sub("", cell.replace("\\", "/"))
    forms = (cell, whole, PurePosixPath(whole).name)
    return next((one for one in forms if one in wanted), cell)
