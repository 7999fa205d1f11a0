"""The tables of ISIC 2020 -> diagnoses, patients, attributes and doubled images. No torch.

ground truth    image_name,patient_id,lesion_id,sex,age_approx,anatom_site_general_challenge,diagnosis,
                benign_malignant,target     (edition v2; the first has no lesion_id)
duplicates      image_name_1,image_name_2
"""

import dataclasses
from pathlib import Path

from attnmel.data.tables.labels import AGAIN, BENIGN, LABEL_SCHEMAS, MELANOMA
from attnmel.data.tables.metadata import AGE, SEX, WORD, Known, known_attributes
from attnmel.data.tables.problems import Problem, refuse, shown
from attnmel.data.tables.schema import read_table
from attnmel.data.tables.text import read_text
from attnmel.data.tables.words import is_unknown
from attnmel.errors import LabelError

SCHEMA = LABEL_SCHEMAS[2020]
SITE = "anatom_site_general_challenge"
METADATA = dataclasses.replace(SCHEMA, optional={**SCHEMA.optional, "sex": SEX, "age_approx": AGE, SITE: WORD})
PAIR = ("image_name_1", "image_name_2")


def read_isic2020_labels(table: Path) -> dict[str, str]:
    """Return the diagnosis of every image: melanoma, another one that is named, or "benign" where no more is known.

    The diagnosis of 27,124 images, all benign, is "unknown".

    Raises:
        LabelError: problems of the table, a line each.
    """
    checked = read_table(table, SCHEMA, AGAIN)
    malignant, named = checked.columns["benign_malignant"], map(str, checked.columns["diagnosis"])
    return {
        image_id: MELANOMA if is_malignant else BENIGN if is_unknown(name) else name
        for image_id, is_malignant, name in zip(checked.ids, malignant, named, strict=True)
    }


def read_isic2020_groups(table: Path) -> tuple[dict[str, str], Known]:
    """Return the patient of each image, and its age, sex and site.

    Raises:
        LabelError: problems of the table, a line each.
    """
    checked = read_table(table, METADATA, AGAIN)
    patients = zip(checked.ids, map(str, checked.columns["patient_id"]), strict=True)
    known = known_attributes(checked, {"age": "age_approx", "sex": "sex", "site": SITE})
    return {image_id: patient for image_id, patient in patients if patient}, known


def read_isic2020_duplicates(table: Path) -> frozenset[str]:
    """Return the second image of each pair that the archive lists as duplicates.

    Raises:
        LabelError: no such table, or problems of it, a line each.
    """
    header = ",".join(PAIR)
    try:
        first, *body = read_text(table).rows
    except ValueError as damage:
        raise LabelError(f"{table}: found {damage}, expected the header {header}. {AGAIN}") from None
    if tuple(first.cells[:2]) != PAIR:
        raise LabelError(f"{table}: found the header {shown(','.join(first.cells))}, expected {header}. {AGAIN}")
    short = [
        Problem(row.line, "", f"{len(row.cells)} cells", f"{header}") for row in body if not all((*row.cells, "")[:2])
    ]
    refuse({str(table): short}, LabelError, AGAIN)
    return frozenset(row.cells[1] for row in body)
