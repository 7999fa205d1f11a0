"""Predictions -> the CSV that an ISIC challenge took, so that anyone's scorer can check our figures.

The official formats have no room for a notice or a licence: those stand in the predictions file beside this one.
"""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from attnmel.errors import PredictionsError, require_known
from attnmel.folders import replacing
from attnmel.records import Predictions

ISIC2017 = ("melanoma", "seborrheic_keratosis")
ISIC2018 = ("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC")

MALIGNANT = ("malignant", "melanoma", "MEL")
"""Names of the one class of ISIC 2016, by what a network was trained on."""

PLACEHOLDER = 0.0
"""Fills the column of a class that a network does not know; any constant scores an AUC of 0.5."""

Table = tuple[list[str] | None, list[Float[np.ndarray, " N"]], str]


def write_submission(predictions: Predictions, path: Path, dataset: str) -> str:
    """Write the probabilities in the official format of a data set in `FORMATS`, one row an image.

    Returns a sentence that names the format, and which column is only a placeholder: a network of melanoma against the
    rest has no probability of seborrheic keratosis, but ISIC 2017's format wants that column.

    Raises:
        ConfigError: a data set without an official format.
        PredictionsError: the format asks for classes that the predictions do not hold.
    """
    require_known("submission format", dataset, FORMATS)
    header, columns, sentence = FORMATS[dataset](predictions)
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")  # an official program may refuse the standard's "\r\n"
        if header is not None:
            table.writerow(header)
        for row, image_id in enumerate(predictions.image_ids):
            table.writerow([image_id, *(repr(float(column[row])) for column in columns)])
    return sentence


def takes(dataset: str, classes: Sequence[str]) -> bool:
    """Return whether predictions of these classes fit the official format of a data set in `FORMATS`."""
    nothing = Predictions((), tuple(classes), np.empty((0, len(classes))), np.empty(0, dtype=np.int64), ())
    try:
        FORMATS[dataset](nothing)
    except PredictionsError:
        return False
    return True


def _isic2016(predictions: Predictions) -> Table:
    """`image,confidence` without a header; a melanoma is what that year calls malignant."""
    name = next((name for name in MALIGNANT if name in predictions.classes), None)
    if name is None:
        raise _missing("ISIC 2016", [" or ".join(MALIGNANT)], predictions)
    return None, [predictions.probability(name)], f"ISIC 2016 format; the confidence is the probability of {name}."


def _isic2017(predictions: Predictions) -> Table:
    """Two categories; at least one must be known, the other is filled with `PLACEHOLDER`."""
    missing = [name for name in ISIC2017 if name not in predictions.classes]
    if len(missing) == len(ISIC2017):
        raise _missing("ISIC 2017", missing, predictions)
    filler = np.full(len(predictions.image_ids), PLACEHOLDER)
    columns = [filler if name in missing else predictions.probability(name) for name in ISIC2017]
    sentence = "ISIC 2017 part 3 format."
    if missing:
        sentence += (
            f" The column {missing[0]} is a placeholder ({PLACEHOLDER}): this network has no such class, "
            f"so only {next(name for name in ISIC2017 if name not in missing)} may be scored."
        )
    return ["image_id", *ISIC2017], columns, sentence


def _isic2018(predictions: Predictions) -> Table:
    """Seven diagnoses, all needed; case of the class names is ignored."""
    known = {name.upper(): name for name in predictions.classes}
    if missing := [name for name in ISIC2018 if name not in known]:
        raise _missing("ISIC 2018 task 3", missing, predictions)
    columns = [predictions.probability(known[name]) for name in ISIC2018]
    return ["image", *ISIC2018], columns, "ISIC 2018 task 3 format."


FORMATS: dict[str, Callable[[Predictions], Table]] = {
    "isic2016": _isic2016,
    "isic2017": _isic2017,
    "isic2018": _isic2018,
    "phantoms": _isic2017,
}
"""Data sets with an official format; phantoms are laid out like ISIC 2017."""


def _missing(title: str, missing: Sequence[str], predictions: Predictions) -> PredictionsError:
    return PredictionsError(
        f"the {title} format needs the classes {', '.join(missing)}; "
        f"the predictions hold {', '.join(predictions.classes)}"
    )
