"""Predictions -> the CSV that an ISIC challenge accepted, so that any scorer can check our measures.

The official formats have no room for a notice or a licence: those are in NOTICE.txt in the same folder.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from attnmel.data.tables.labels import DIAGNOSES_2017, DIAGNOSES_2018
from attnmel.data.tables.schema import PROBABILITY, TableSchema
from attnmel.diagnoses import SAME_DIAGNOSES
from attnmel.errors import PredictionsError, require_known
from attnmel.evaluation.challenge.rules import CHALLENGES
from attnmel.files.table_files import write_table
from attnmel.records import Predictions

PLACEHOLDER = 0.0
"""Fills the column of a class that a network does not predict; any constant gives an AUC of 0.5."""

_2017 = TableSchema("image_id", dict.fromkeys(DIAGNOSES_2017, PROBABILITY))

SUBMISSIONS: dict[str, TableSchema] = {
    "isic2016": TableSchema("image", {"confidence": PROBABILITY}, header=False),
    "isic2017": _2017,
    "isic2018": TableSchema("image", dict.fromkeys(DIAGNOSES_2018, PROBABILITY)),
    "phantoms": _2017,
}
"""Official formats; phantoms have that of ISIC 2017."""

MAY_LACK = ("isic2017", "phantoms")
"""Where one of the two categories may be a placeholder."""


def write_submission(predictions: Predictions, path: Path, dataset: str) -> str:
    """Write the probabilities in the official format of a data set in `SUBMISSIONS`, one row an image.

    Returns a sentence that names the format, and which column is only a placeholder: a network of melanoma against the
    rest has no probability of seborrheic keratosis, but ISIC 2017's format requires that column.

    Raises:
        ConfigError: a data set without an official format.
        PredictionsError: the format requires classes that the predictions do not have.
    """
    require_known("submission format", dataset, SUBMISSIONS)
    title = CHALLENGES["isic2017" if dataset == "phantoms" else dataset].title
    if not takes(dataset, predictions.classes):
        missing = CHALLENGES[dataset].categories
        if dataset not in MAY_LACK:
            missing = [name for name in missing if name not in official_categories(predictions.classes, dataset)]
        raise PredictionsError(
            f"the {title} format needs the classes {', '.join(missing)}; "
            f"the predictions have {', '.join(predictions.classes)}"
        )
    schema, own = SUBMISSIONS[dataset], official_categories(predictions.classes, dataset)
    filler = np.full(len(predictions.image_ids), PLACEHOLDER)
    categories = CHALLENGES[dataset].categories
    columns = [predictions.probability(own[name]) if name in own else filler for name in categories]
    rows = ((image_id, *map(float, shares)) for image_id, *shares in zip(predictions.image_ids, *columns, strict=True))
    write_table(path, schema.names if schema.header else (), rows)
    return f"{title} format." + "".join(
        f" The column {name} is a placeholder ({PLACEHOLDER}): this network has no such class, so only "
        f"{', '.join(own)} may be scored."
        for name in categories
        if name not in own
    )


def takes(dataset: str, classes: Sequence[str]) -> bool:
    """Return whether predictions of these classes fit the official format of a data set in `SUBMISSIONS`."""
    own = official_categories(classes, dataset)
    return bool(own) if dataset in MAY_LACK else len(own) == len(CHALLENGES[dataset].categories)


def official_categories(classes: Sequence[str], dataset: str) -> dict[str, str]:
    """Return the class that each category of a challenge is among the given ones, as far as they have it.

    Case does not matter, and a class may have any name of `SAME_DIAGNOSES`; the category's own name comes first.
    """
    same = {name: [one for one in classes if _same(name, one)] for name in CHALLENGES[dataset].categories}
    return {
        name: next((one for one in ones if one.casefold() == name.casefold()), ones[0])
        for name, ones in same.items()
        if ones
    }


def _same(category: str, own: str) -> bool:
    return category.casefold() == own.casefold() or any({category, own} <= names for names in SAME_DIAGNOSES)
