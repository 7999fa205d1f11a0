"""Tables of metadata -> attributes of each image, by the names of `ATTRIBUTES`. No torch."""

from collections.abc import Mapping
from pathlib import Path

from attnmel.data.tables.labels import AGAIN
from attnmel.data.tables.schema import TEXT, CellKind, CheckedTable, TableSchema, read_table
from attnmel.data.tables.words import OLDEST, age_in_words, sex_in_words, word

METADATA_ENDING = "_metadata.csv"
"""Of the table that lies among the images of ISIC 2017."""

COLLECTION = "dataset"
"""A column that the edition of Harvard Dataverse has and others lack: the clinic an image is from."""

CONFIRMATIONS = {
    "histo": "histopathology",
    "histopathology": "histopathology",
    "follow_up": "follow-up",
    "serial imaging showing no change": "follow-up",
    "consensus": "consensus",
    "single image expert consensus": "consensus",
    "confocal": "confocal",
    "confocal microscopy with consensus dermoscopy": "confocal",
}
"""The two tables of HAM10000 name the same four ways differently."""

Known = dict[str, dict[str, str]]
"""By image id and name of the attribute; what is not known is left out."""


def _sex(value: str) -> str | None:
    return sex if (sex := sex_in_words(value)) in ("", "female", "male") else None


def _confirmation(value: str) -> str | None:
    return CONFIRMATIONS.get(word(value)) if word(value) else ""


AGE = CellKind(f"an age of 0 to {OLDEST} years, or unknown", age_in_words)
SEX = CellKind("female, male or unknown", _sex)
CONFIRMATION = CellKind("a known way of confirmation, or unknown", _confirmation)
WORD = CellKind("text", word)
LESION = CellKind("a lesion_id", lambda cell: cell or None)

METADATA_2017 = TableSchema("image_id", {"age_approximate": AGE, "sex": SEX})
HAM10000 = TableSchema(
    "image_id",
    {"lesion_id": TEXT, "dx": TEXT, "dx_type": CONFIRMATION, "age": AGE, "sex": SEX, "localization": WORD},
    optional={COLLECTION: WORD},
)
LESION_GROUPS = TableSchema("image", {"lesion_id": LESION, "diagnosis_confirm_type": CONFIRMATION})


def read_isic2017_metadata(table: Path) -> Known:
    """Return age and sex of the images of one metadata table of ISIC 2017.

    Raises:
        LabelError: problems of the table, a line each.
    """
    return known_attributes(read_table(table, METADATA_2017, AGAIN), {"age": "age_approximate", "sex": "sex"})


def read_ham10000_metadata(table: Path) -> Known:
    """Return age, sex, site and confirmation of the images of HAM10000, and the clinic where the edition has it.

    Raises:
        LabelError: problems of the table, a line each.
    """
    columns = {"age": "age", "sex": "sex", "site": "localization", "confirmation": "dx_type", "source": COLLECTION}
    return known_attributes(read_table(table, HAM10000, AGAIN), columns)


def read_lesion_groups(table: Path) -> tuple[dict[str, str], Known]:
    """Return the lesion of every training image of ISIC 2018 task 3, and how its diagnosis was confirmed.

    Raises:
        LabelError: problems of the table, a line each.
    """
    groups = read_table(table, LESION_GROUPS, AGAIN)
    lesions = {image_id: str(lesion) for image_id, lesion in zip(groups.ids, groups.columns["lesion_id"], strict=True)}
    return lesions, known_attributes(groups, {"confirmation": "diagnosis_confirm_type"})


def known_attributes(table: CheckedTable, columns: Mapping[str, str]) -> Known:
    """Return the attributes of each image, each from its column, as far as the table has it and the cell is known."""
    known: Known = {image_id: {} for image_id in table.ids}
    for name, column in columns.items():
        for image_id, value in zip(table.ids, table.columns.get(column, [""] * len(table.ids)), strict=True):
            if value:
                known[image_id][name] = str(value)
    return known
