"""Read out-of-fold predictions: of training images, by networks that were not trained on them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.special import expit, softmax

from attnmel.errors import PredictionsError, listed
from attnmel.files.table_files import read_table
from attnmel.pipeline.run.images.dataset import Prepared
from attnmel.records import Predictions

LOGIT, UNCALIBRATED, PROBABILITY = "logit", "uncalibrated", "probability"

SPLITS = ("train", "validation")
"""Splits of the images of cross-validation; the test images are for the evaluation of the network."""


def read_out_of_fold(path: Path, prepared: Prepared, positive: str) -> Predictions:
    """Read the probabilities of a CSV with a column `image`; true classes and groups are those of the data set.

    It has a column "uncalibrated_<class>" (in files of `evaluate` of a run with a temperature), else
    "probability_<class>" or "logit_<class>" for each class; for two classes, "probability" or "logit" (log of the odds)
    of the positive class is enough. Other columns are ignored.

    Raises:
        PredictionsError: no such file, missing columns, a cell that is not a number, an image twice, or one that is not
            among the training and validation images.
    """
    if not path.is_file():
        raise PredictionsError(
            f"no predictions at {path}; expected a CSV with one row for each image of the training folds"
        )
    rows = read_table(path)
    if not rows or "image" not in rows[0]:
        raise PredictionsError(f"{path.name} has no row with a column 'image'; expected a CSV of the training folds")
    places = {one.image_id: at for at, one in enumerate(prepared.lesions) if one.split in SPLITS}
    ids = [row["image"] for row in rows]
    if strange := [one for one in ids if one not in places]:
        raise PredictionsError(
            f"{path.name} has {len(strange)} images that are not among the training and validation images of "
            f"{prepared.dataset.name}: {listed(strange)}; leave them out"
        )
    chosen = np.array([places[one] for one in ids], dtype=np.int64)
    found = prepared.predictions(chosen, _probabilities(rows, prepared.classes, positive, path))
    return replace(found, attributes=prepared.attributes(chosen))


def _probabilities(rows: list[dict[str, str]], classes: Sequence[str], positive: str, path: Path) -> np.ndarray:
    """Return one row for each image and one column for each class."""
    for kind in (UNCALIBRATED, PROBABILITY, LOGIT):
        names = [f"{kind}_{one}" for one in classes]
        if all(name in rows[0] for name in names):
            values = np.array([[_number(row, name, path) for name in names] for row in rows])
            return _checked(softmax(values, axis=1) if kind == LOGIT else values, path)
        if len(classes) == 2 and kind in rows[0]:
            value = np.array([_number(row, kind, path) for row in rows])
            of_positive = expit(value) if kind == LOGIT else value
            both = {True: of_positive, False: 1 - of_positive}
            return _checked(np.stack([both[one == positive] for one in classes], axis=1), path)
    raise PredictionsError(
        f"{path.name} has the columns {', '.join(rows[0])}; expected {PROBABILITY}_<class> or {LOGIT}_<class> for each "
        f"of {', '.join(classes)}, or {PROBABILITY} or {LOGIT} of {positive}"
    )


def _checked(probabilities: np.ndarray, path: Path) -> np.ndarray:
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise PredictionsError(f"{path.name} has probabilities outside [0, 1], or cells that are not numbers")
    return probabilities


def _number(row: dict[str, str], column: str, path: Path) -> float:
    try:
        return float(row[column])
    except (TypeError, ValueError):
        raise PredictionsError(f"{path.name}, {row['image']}: {column} is '{row[column]}', expected a number") from None
