"""The tables of ISIC 2020 -> diagnoses and doubled images; `metadata` reads patients and attributes. No torch.

ground truth    image_name,patient_id,lesion_id,sex,age_approx,anatom_site_general_challenge,diagnosis,
                benign_malignant,target     (edition v2; the first has no lesion_id)
duplicates      image_name_1,image_name_2
"""

from pathlib import Path

from attnmel.data.tables.columns import read_columns
from attnmel.data.tables.labels import AGAIN, BENIGN, LABEL_SCHEMAS, MELANOMA
from attnmel.data.tables.problems import Problem, refuse
from attnmel.data.tables.schema import read_official_table
from attnmel.data.tables.words import is_unknown
from attnmel.errors import LabelError

SCHEMA = LABEL_SCHEMAS[2020]
PAIR = ("image_name_1", "image_name_2")


def read_isic2020_labels(table: Path) -> dict[str, str]:
    """Return the diagnosis of every image: melanoma, another one that is named, or "benign" where no more is known.

    The diagnosis of 27,124 images, all benign, is "unknown".
    """
    checked = read_official_table(table, SCHEMA, AGAIN)
    malignant, named = checked.columns["benign_malignant"], map(str, checked.columns["diagnosis"])
    return {
        image_id: MELANOMA if is_malignant else BENIGN if is_unknown(name) else name
        for image_id, is_malignant, name in zip(checked.ids, malignant, named, strict=True)
    }


def read_isic2020_duplicates(table: Path) -> frozenset[str]:
    """Return the second image of each pair that the archive lists as duplicates.

    Raises:
        LabelError: no such table, or problems of it, a line each.
    """
    read = read_columns(table, PAIR)
    half = [
        Problem(line, "", "an empty cell", f"an image id in {' and '.join(PAIR)}")
        for line, cells in read.rows
        if not all(cells[name] for name in PAIR)
    ]
    refuse({str(table): [*read.problems, *half]}, LabelError, AGAIN)
    return frozenset(cells[PAIR[1]] for _, cells in read.rows)
