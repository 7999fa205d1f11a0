"""Official tables of labels -> the diagnosis of every image, one reader a year. No torch."""

from pathlib import Path

from attnmel.data.datasets.archive_tables import ArchiveRow, read_table, refuse_values, require_single

BENIGN, MALIGNANT = "benign", "malignant"
COLUMNS_2016 = ("image", "diagnosis")
WORDS_2016 = {BENIGN: BENIGN, "0": BENIGN, "0.0": BENIGN, MALIGNANT: MALIGNANT, "1": MALIGNANT, "1.0": MALIGNANT}
"""The training table has words, that of the test set numbers."""

MELANOMA = "melanoma"
SEBORRHEIC_KERATOSIS = "seborrheic_keratosis"
NEVUS = "nevus"
COLUMNS_2017 = ("image_id", MELANOMA, SEBORRHEIC_KERATOSIS)

DIAGNOSES_2018 = ("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC")
COLUMNS_2018 = ("image", *DIAGNOSES_2018)

TRUTH = {"0": False, "0.0": False, "1": True, "1.0": True}


def read_isic2016_labels(table: Path) -> dict[str, str]:
    """Return benign or malignant for every image of a part 3 table of ISIC 2016, which has no header, by image id.

    Raises:
        LabelError: a value that is neither, a doubled image; up to five of each.
    """
    rows = read_table(table, COLUMNS_2016, header=False)
    odd = [
        f"line {row.line}: {row['image']} has '{row['diagnosis']}'"
        for row in rows
        if row["diagnosis"] not in WORDS_2016
    ]
    refuse_values(table, "benign or malignant, 0 or 1", odd)
    require_single((row["image"] for row in rows), f"{table}: doubled images")
    return {row["image"]: WORDS_2016[row["diagnosis"]] for row in rows}


def read_isic2017_labels(table: Path) -> dict[str, str]:
    """Return the diagnosis of every image of a part 3 table of ISIC 2017, by image id.

    Of melanoma and seborrheic keratosis at most one is 1; neither means nevus.

    Raises:
        LabelError: another header, a value other than 0 or 1, both 1, a doubled image; up to five of each.
    """
    named = (MELANOMA, SEBORRHEIC_KERATOSIS)
    rows = read_table(table, COLUMNS_2017)
    marked = [_marked(row, named) for row in rows]
    odd = [
        f"line {row.line}: {row['image_id']} has " + ", ".join(f"{name} '{row[name]}'" for name in named)
        for row, names in zip(rows, marked, strict=True)
        if names is None or len(names) > 1
    ]
    refuse_values(table, "0 or 1, and not 1 twice", odd)
    require_single((row["image_id"] for row in rows), f"{table}: doubled images")
    return {row["image_id"]: names[0] if names else NEVUS for row, names in zip(rows, marked, strict=True)}


def read_isic2018_labels(table: Path) -> dict[str, str]:
    """Return the diagnosis of every image of a task 3 table of ISIC 2018, by image id: the one column that holds 1.

    Raises:
        LabelError: another header, a value other than 0 or 1, no 1 or several, a doubled image; up to five of each.
    """
    rows = read_table(table, COLUMNS_2018)
    marked = [_marked(row, DIAGNOSES_2018) for row in rows]
    odd = [
        f"line {row.line}: {row['image']} has {','.join(row[name] for name in DIAGNOSES_2018)}"
        for row, names in zip(rows, marked, strict=True)
        if names is None or len(names) != 1
    ]
    refuse_values(table, f"exactly one 1 and otherwise 0 in {','.join(DIAGNOSES_2018)}", odd)
    require_single((row["image"] for row in rows), f"{table}: doubled images")
    return {row["image"]: names[0] for row, names in zip(rows, marked, strict=True) if names}


def _marked(row: ArchiveRow, columns: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the columns that hold 1; None where one holds neither 0 nor 1."""
    if any(row[name] not in TRUTH for name in columns):
        return None
    return tuple(name for name in columns if TRUTH[row[name]])
