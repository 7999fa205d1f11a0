"""Tables of metadata -> what is known of an image beside its diagnosis, by the names of `ATTRIBUTES`. No torch."""

import math
from collections.abc import Mapping
from pathlib import Path

from attnmel.data.datasets.archive_tables import ArchiveRow, read_table, refuse_values, require_single

COLUMNS_2017 = ("image_id", "age_approximate", "sex")
METADATA_ENDING = "_metadata.csv"
"""Of the table that lies among the images of ISIC 2017."""

COLUMNS_HAM10000 = ("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization")
COLLECTION = "dataset"
"""A column that the edition of Harvard Dataverse has and others lack: the clinic an image is from."""

COLUMNS_GROUPS = ("image", "lesion_id", "diagnosis_confirm_type")

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

UNKNOWN = ("", "unknown", "na", "n/a", "nan")
OLDEST = 120
"""Years; more than that is a slip of the pen."""

Known = dict[str, dict[str, str]]
"""By image id and name of the attribute; what is not known is left out."""


def read_isic2017_metadata(table: Path) -> Known:
    """Return age and sex of the images of one metadata table of ISIC 2017.

    Raises:
        LabelError: another header, an age that is none, another sex than female, male and unknown, a doubled image.
    """
    rows = read_table(table, COLUMNS_2017)
    return _known(table, rows, "image_id", {"age": "age_approximate", "sex": "sex"})


def read_ham10000_metadata(table: Path) -> Known:
    """Return age, sex, site and confirmation of the images of HAM10000, and the clinic where the edition has it.

    Raises:
        LabelError: another header, an age that is none, an unexpected sex or confirmation, a doubled image.
    """
    rows = read_table(table, COLUMNS_HAM10000, optional=(COLLECTION,))
    columns = {"age": "age", "sex": "sex", "site": "localization", "confirmation": "dx_type", "source": COLLECTION}
    return _known(table, rows, "image_id", columns)


def read_lesion_groups(table: Path) -> tuple[dict[str, str], Known]:
    """Return the lesion of every training image of ISIC 2018 task 3, and how its diagnosis was confirmed.

    Raises:
        LabelError: another header, an image without a lesion, an unexpected confirmation, a doubled image.
    """
    rows = read_table(table, COLUMNS_GROUPS)
    bare = [f"line {row.line}: {row['image']} has none" for row in rows if not row["lesion_id"]]
    refuse_values(table, "a lesion_id", bare)
    known = _known(table, rows, "image", {"confirmation": "diagnosis_confirm_type"})
    return {row["image"]: row["lesion_id"] for row in rows}, known


def age_in_words(value: str) -> str | None:
    """Return an age in years as it is stored, "55" for "55.0"; "" where it is unknown, None where it is no age."""
    if value.lower() in UNKNOWN:
        return ""
    try:
        age = float(value)
    except ValueError:
        return None
    return f"{age:g}" if math.isfinite(age) and 0 <= age <= OLDEST else None


def word(value: str) -> str:
    """Return what is known in words, in small letters; "" where it is unknown."""
    return "" if value.lower() in UNKNOWN else value.lower()


def _known(table: Path, rows: tuple[ArchiveRow, ...], image: str, columns: Mapping[str, str]) -> Known:
    require_single((row[image] for row in rows), f"{table}: doubled images")
    odd = [
        f"line {row.line}: {row[image]} has {column} '{row[column]}'"
        for row in rows
        for name, column in columns.items()
        if _value(name, row[column]) is None
    ]
    refuse_values(table, f"ages of 0 to {OLDEST}, female or male, a known way of confirmation, or unknown", odd)
    known = {row[image]: {name: _value(name, row[column]) for name, column in columns.items()} for row in rows}
    return {image_id: {name: value for name, value in told.items() if value} for image_id, told in known.items()}


def _value(name: str, value: str) -> str | None:
    """Return an attribute as it is stored; "" where it is unknown, None where it is no such attribute."""
    if name == "age":
        return age_in_words(value)
    if name == "sex":
        return word(value) if word(value) in ("", "female", "male") else None
    if name == "confirmation":
        return CONFIRMATIONS.get(word(value)) if word(value) else ""
    return word(value)
